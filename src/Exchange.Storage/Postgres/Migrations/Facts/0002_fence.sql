-- The journal's part in the database: what has to happen where the hot rows are.

-- The first thing of a batch's second flush: from here to the commit it shares the sales latch. read_epoch: when the batch read its copies, or null if it
-- ends none of them.
CREATE FUNCTION join_sales(read_epoch bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(7301);
    IF read_epoch IS NOT NULL AND read_epoch <> (SELECT epoch FROM sales_latch) THEN
        RAISE EXCEPTION 'copies were read before limits changed' USING ERRCODE = 'EX001';
    END IF;
END $$;

-- Rows of windows in which nothing was counted yet begin with their cap's limit. Returns those that were made.
CREATE FUNCTION make_windows(keys text[], limit_ids text[], weekdays integer[], starts bigint[]) RETURNS bigint LANGUAGE sql AS $$
    WITH caps AS MATERIALIZED (SELECT id, lim, cap.weekdays FROM cap WHERE id = ANY (limit_ids) AND kind = 1 AND active ORDER BY id FOR SHARE),
    made AS (
        INSERT INTO counter (key, limit_id, window_start, lim, used, held)
        SELECT w.key, w.limit_id, w.start, CASE WHEN w.weekday > 0 AND c.weekdays IS NOT NULL THEN c.weekdays[w.weekday] ELSE c.lim END, 0, 0
        FROM unnest(keys, limit_ids, weekdays, starts) AS w (key, limit_id, weekday, start) JOIN caps c ON c.id = w.limit_id
        ORDER BY w.key ON CONFLICT DO NOTHING RETURNING 1)
    SELECT count(*) FROM made
$$;

-- The verdicts of this transaction's fence, for the statements after it; null before it.
CREATE FUNCTION fence_verdicts() RETURNS integer[] LANGUAGE sql STABLE AS $$ SELECT nullif(current_setting('exchange.verdicts', true), '')::integer[] $$;

-- Judges the takes of a batch's items in their order and moves the counters: CounterFence in the engine, in the same order, with the same answers.
--   item i (from 1) does the steps op_from[i] .. op_from[i + 1] - 1; ask_only: it moves nothing (a free copy is missing), but a take that does not fit is told first
--   a step: op_kind 1 capture (held becomes used), 2 free (held goes), 3 sell (used comes), 4 hold (held comes), 5 give back (used goes; nothing where the
--   counter is long gone); of op_amount in counter keys[op_key]
--   fresh: the lead of an item that made it in this transaction, else null; request_*: by item
--   sale_*: copies that are sold if their item is done, for the buyer's list
-- codes: 0 done; n > 0 refused by the item's n-th step; n < 0 the counter of its -n-th step is not there. The other arrays are the counters that moved.
CREATE FUNCTION fence(
    keys text[], op_from integer[], op_kind smallint[], op_key integer[], op_amount bigint[], ask_only boolean[], fresh uuid[],
    request_item integer[], request_publisher text[], request_key text[],
    sale_item integer[], sale_buyer text[], sale_lead uuid[], sale_no integer[],
    OUT codes integer[], OUT moved_key text[], OUT moved_limit text[], OUT moved_lim bigint[], OUT moved_used bigint[], OUT moved_held bigint[])
LANGUAGE plpgsql AS $$
DECLARE
    items integer := cardinality(ask_only);
    room bigint[];
    more_used bigint[] := array_fill(0::bigint, ARRAY[cardinality(keys)]);
    more_held bigint[] := array_fill(0::bigint, ARRAY[cardinality(keys)]);
    refused boolean := false;
    back boolean;
    gone uuid[];
    k integer; c integer; n bigint;
BEGIN
    codes := array_fill(0, ARRAY[items]);
    IF cardinality(keys) > 0 THEN
        -- The only hot lock.
        WITH locked AS MATERIALIZED (SELECT t.key, t.lim - t.used - t.held AS free FROM counter t WHERE t.key = ANY (keys) ORDER BY t.key FOR NO KEY UPDATE)
        SELECT array_agg(locked.free ORDER BY w.place) INTO room FROM unnest(keys) WITH ORDINALITY AS w (key, place) LEFT JOIN locked ON locked.key = w.key;
    END IF;

    FOR i IN 1 .. items LOOP
        k := op_from[i];
        WHILE k < op_from[i + 1] LOOP
            c := op_key[k]; n := op_amount[k];
            IF room[c] IS NULL THEN
                IF op_kind[k] = 5 THEN k := k + 1; CONTINUE; END IF;
                IF op_kind[k] <= 2 THEN RAISE EXCEPTION 'a copy''s take names a counter that is not there'; END IF;
                codes[i] := op_from[i] - 1 - k; EXIT;
            END IF;
            CASE op_kind[k]
                WHEN 1 THEN more_used[c] := more_used[c] + n; more_held[c] := more_held[c] - n;
                WHEN 2 THEN more_held[c] := more_held[c] - n; room[c] := room[c] + n;
                WHEN 5 THEN more_used[c] := more_used[c] - n; room[c] := room[c] + n;
                ELSE
                    IF room[c] < n THEN codes[i] := k + 1 - op_from[i]; EXIT; END IF;
                    IF n > 0 THEN
                        IF op_kind[k] = 3 THEN more_used[c] := more_used[c] + n; ELSE more_held[c] := more_held[c] + n; END IF;
                        room[c] := room[c] - n;
                    END IF;
            END CASE;
            k := k + 1;
        END LOOP;
        IF codes[i] <> 0 OR ask_only[i] THEN
            -- A refused item leaves no number changed.
            FOR j IN REVERSE k - 1 .. op_from[i] LOOP
                c := op_key[j]; n := op_amount[j];
                CONTINUE WHEN room[c] IS NULL;
                CASE op_kind[j]
                    WHEN 1 THEN more_used[c] := more_used[c] - n; more_held[c] := more_held[c] + n;
                    WHEN 2 THEN more_held[c] := more_held[c] + n; room[c] := room[c] - n;
                    WHEN 3 THEN more_used[c] := more_used[c] - n; room[c] := room[c] + n;
                    WHEN 5 THEN more_used[c] := more_used[c] + n; room[c] := room[c] - n;
                    ELSE more_held[c] := more_held[c] - n; room[c] := room[c] + n;
                END CASE;
            END LOOP;
            refused := refused OR codes[i] <> 0;
        END IF;
    END LOOP;

    WITH moved AS (
        UPDATE counter t SET used = t.used + w.used, held = t.held + w.held FROM unnest(keys, more_used, more_held) AS w (key, used, held)
        WHERE t.key = w.key AND (w.used <> 0 OR w.held <> 0) RETURNING t.key, t.limit_id, t.lim, t.used, t.held)
    SELECT array_agg(m.key), array_agg(m.limit_id), array_agg(m.lim), array_agg(m.used), array_agg(m.held)
    INTO moved_key, moved_limit, moved_lim, moved_used, moved_held FROM moved m;

    IF refused THEN
        SELECT array_agg(f.lead) INTO gone FROM unnest(fresh, codes) AS f (lead, code) WHERE f.code <> 0 AND f.lead IS NOT NULL;
        DELETE FROM transfer x USING unnest(gone) AS g (lead) WHERE x.source = uuid_send(g.lead);
        DELETE FROM delivery x WHERE x.lead_id = ANY (gone);
        DELETE FROM copy x WHERE x.lead_id = ANY (gone);
        DELETE FROM person x WHERE x.lead_id = ANY (gone);
        DELETE FROM lead x WHERE x.lead_id = ANY (gone);
        DELETE FROM request x USING unnest(request_item, request_publisher, request_key) AS q (item, publisher, key)
        WHERE codes[q.item] <> 0 AND x.publisher = q.publisher AND x.key = q.key;
    END IF;

    IF cardinality(sale_item) > 0 THEN
        WITH due AS (
            SELECT s.buyer, s.lead, s.no, row_number() OVER (PARTITION BY s.buyer ORDER BY s.place) AS rank, count(*) OVER (PARTITION BY s.buyer) AS sales
            FROM unnest(sale_item, sale_buyer, sale_lead, sale_no) WITH ORDINALITY AS s (item, buyer, lead, no, place) WHERE codes[s.item] = 0),
        counted AS (
            INSERT INTO buyer_sales AS b (buyer, last) SELECT DISTINCT d.buyer, d.sales FROM due d ORDER BY d.buyer
            ON CONFLICT (buyer) DO UPDATE SET last = b.last + excluded.last RETURNING b.buyer, b.last)
        INSERT INTO sold (buyer, seq, lead_id, no)
        SELECT d.buyer, t.last - d.sales + d.rank, d.lead, d.no FROM due d JOIN counted t ON t.buyer = d.buyer;
    END IF;

    PERFORM set_config('exchange.verdicts', codes::text, true);
END $$;
