-- What an audit needs to tell a broken limit from one that was lowered, and a wrong count from one that began in mid-period.

-- seeded: used by copies that were sold before the cap was in force, which keep no take of it; null: a row from before this was kept.
-- over: used + held when the limit was last lowered below them or set in below them; 0: never.
ALTER TABLE counter ADD COLUMN seeded INTEGER DEFAULT 0;
ALTER TABLE counter ADD COLUMN over INTEGER NOT NULL DEFAULT 0;
UPDATE counter SET seeded = NULL WHERE key LIKE 'cap:%';
UPDATE counter SET over = used + held WHERE used + held > lim;

CREATE TRIGGER counter_lowered AFTER UPDATE OF lim ON counter WHEN NEW.used + NEW.held > NEW.lim AND NEW.lim < OLD.lim BEGIN
    UPDATE counter SET over = NEW.used + NEW.held WHERE id = NEW.id;
END;
