-- Numbers of buyer_sales that nobody gets: a database that was restored leaves them out, because the one it was copied from may have given them to copies
-- that are lost, and their buyers read on after them. after: the last number that was given before the gap.
CREATE TABLE sold_left_out (
    buyer   text COLLATE "C" NOT NULL,
    after   bigint NOT NULL,
    numbers bigint NOT NULL,
    PRIMARY KEY (buyer, after)
);
