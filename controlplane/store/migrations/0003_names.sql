-- What the numbers in events mean. A number may get another meaning while a dataplane runs (a
-- locate of the next session): the newest stands here, <since> that record of the journal.

CREATE TABLE tickgate.names (
    journal    integer NOT NULL REFERENCES tickgate.journals,
    epoch      bigint NOT NULL,
    kind       text NOT NULL,
    lane       smallint NOT NULL,    -- of sessions and strategies; the channel of locates; else 0
    number     integer NOT NULL,
    name       text NOT NULL,
    since      bigint NOT NULL,
    PRIMARY KEY (journal, epoch, kind, lane, number)
);
COMMENT ON TABLE tickgate.names IS 'Names of lanes, channels, lines, ports, accounts, instruments, sessions, strategies and locates';

CREATE FUNCTION tickgate.name_of(journal integer, epoch bigint, kind text, lane integer, number integer)
RETURNS text LANGUAGE sql STABLE AS $$
    SELECT n.name FROM tickgate.names n
    WHERE n.journal = $1 AND n.epoch = $2 AND n.kind = $3 AND n.lane = $4 AND n.number = $5
$$;
COMMENT ON FUNCTION tickgate.name_of IS 'tickgate.name_of(journal, epoch, ''account'', 0, account): null where it has none';

CREATE VIEW tickgate.positions_by_name AS
SELECT i.node, tickgate.name_of(p.journal, p.epoch, 'account', 0, p.account) AS account,
       tickgate.name_of(p.journal, p.epoch, 'instrument', 0, p.instrument) AS symbol, p.position,
       tickgate.dollars(p.realised) AS realised, p.moved_at
FROM tickgate.positions p JOIN tickgate.instances i USING (journal, epoch)
WHERE NOT EXISTS (SELECT FROM tickgate.instances n WHERE n.node = i.node AND n.epoch > i.epoch);
