-- What an audit needs to tell a broken limit from one that was lowered, and a wrong count from one that began in mid-period.

-- seeded: used by copies that were sold before the cap was in force, which keep no take of it; null: a row from before this was kept.
-- over: used + held when the limit was last lowered below them or set in below them; 0: never.
ALTER TABLE counter ADD COLUMN seeded bigint DEFAULT 0, ADD COLUMN over bigint NOT NULL DEFAULT 0;
UPDATE counter SET seeded = CASE WHEN key LIKE 'cap:%' THEN NULL ELSE 0 END, over = CASE WHEN used + held > lim THEN used + held ELSE 0 END;

-- Sales change no limit: they do not meet it.
CREATE FUNCTION counter_lowered() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.over := NEW.used + NEW.held;
    RETURN NEW;
END $$;
CREATE TRIGGER counter_lowered BEFORE UPDATE OF lim ON counter FOR EACH ROW WHEN (NEW.used + NEW.held > NEW.lim AND NEW.lim < OLD.lim) EXECUTE FUNCTION counter_lowered();
