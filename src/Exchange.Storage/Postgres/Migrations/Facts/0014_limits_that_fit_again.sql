-- counter.over excuses what stood when a limit was lowered below it: no longer than until a sale or what comes back finds it within the limit again.
-- The fence is the one of 0002, but for the statement that moves the counters.
DO $$
DECLARE
    was text := pg_get_functiondef('fence'::regproc);
    becomes text := replace(was, 'SET used = t.used + w.used, held = t.held + w.held FROM',
        'SET used = t.used + w.used, held = t.held + w.held, over = CASE WHEN t.used + w.used + t.held + w.held <= t.lim THEN 0 ELSE t.over END FROM');
BEGIN
    IF becomes = was THEN RAISE EXCEPTION 'the fence is another than that of 0002'; END IF;
    EXECUTE becomes;
END $$;
