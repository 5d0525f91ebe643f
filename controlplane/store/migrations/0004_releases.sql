-- Orders of durable sessions are gated twice; whoever asks for what was refused gets both.

CREATE TABLE tickgate.releases (
    at timestamptz NOT NULL, ns smallint NOT NULL, journal integer NOT NULL, number bigint NOT NULL,
    epoch bigint NOT NULL, lane smallint NOT NULL, sequence bigint NOT NULL,
    kind           "char" NOT NULL,
    refusal        smallint NOT NULL,         -- 0: approved again
    session        smallint NOT NULL,
    instrument     integer NOT NULL,
    place          integer NOT NULL,
    ref            integer NOT NULL,
    decision       bigint NOT NULL,           -- sequence of the decision
    parked_ns      bigint NOT NULL,           -- in wait of the journal
    limits_version bigint NOT NULL,
    bid            bigint NOT NULL,           -- the book that was seen then; 0: empty
    ask            bigint NOT NULL,
    quality        smallint NOT NULL,
    scope          smallint NOT NULL,
    value          bigint NOT NULL,           -- of the check that failed ...
    limit_value    bigint NOT NULL            -- ... and its limit
);
COMMENT ON TABLE tickgate.releases IS 'Orders of durable sessions, gated again when the journal had them';
CREATE INDEX ON tickgate.releases USING brin (at);

CREATE OR REPLACE FUNCTION tickgate.daily() RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
    SELECT ARRAY['decisions', 'sends', 'cancels', 'order_messages', 'executions', 'unclaimed',
                 'sessions', 'kills', 'limit_changes', 'governed', 'routes', 'route_venues', 'events',
                 'releases']
$$;

DO $$
DECLARE
    home text;
    day  date;
BEGIN
    IF tickgate.timescale() THEN
        SELECT quote_ident(n.nspname) INTO home
        FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
        WHERE e.extname = 'timescaledb';
        EXECUTE format('SELECT %s.create_hypertable(%L::regclass, %L::name, '
                       'chunk_time_interval => interval ''1 day'', create_default_indexes => false)',
                       home, 'tickgate.releases', 'at');
        RETURN;
    END IF;
    ALTER TABLE tickgate.releases RENAME TO releases_shape;
    CREATE TABLE tickgate.releases (LIKE tickgate.releases_shape INCLUDING ALL) PARTITION BY RANGE (at);
    DROP TABLE tickgate.releases_shape;
    -- The days that are there already: a store that goes on in the middle of one needs its partition.
    FOR day IN
        SELECT to_date(right(c.relname, 8), 'YYYYMMDD')
        FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'tickgate.decisions'::regclass
    LOOP
        PERFORM tickgate.make_day(day);
    END LOOP;
END
$$;

-- Few orders that were approved do not leave; found by the decision.
CREATE INDEX ON tickgate.sends (journal, epoch, lane, decision) WHERE NOT sent;

CREATE OR REPLACE VIEW tickgate.orders AS
SELECT d.at, d.ns, d.journal, d.epoch, d.lane, d.sequence, d.session, d.account, d.strategy, d.instrument,
       d.kind, d.side, d.ref, tickgate.without_sign(d.client_id) AS client_id,
       d.quantity, tickgate.dollars(d.price) AS price,
       CASE WHEN d.refusal <> 0 THEN 'refused'
            WHEN s.refusal IS NOT NULL THEN 'not sent'
            ELSE coalesce((ARRAY['pending', 'live', 'unknown', 'dead'])[m.life + 1], 'sent') END AS state,
       r.name AS refusal, m.open, m.filled, m.at AS told_at
FROM tickgate.decisions d
LEFT JOIN LATERAL (
    SELECT s.refusal FROM tickgate.sends s
    WHERE NOT s.sent AND s.journal = d.journal AND s.epoch = d.epoch AND s.lane = d.lane
      AND s.decision = d.sequence AND s.at >= d.at AND s.at < d.at + interval '1 day'
    LIMIT 1
) s ON true
LEFT JOIN tickgate.refusals r ON r.number = coalesce(s.refusal, d.refusal) AND r.number <> 0
LEFT JOIN LATERAL (
    SELECT m.life, m.open, m.filled, m.at FROM tickgate.order_messages m
    WHERE d.ref <> 0 AND m.session = d.session AND m.ref = d.ref AND m.journal = d.journal
      AND m.at >= d.at AND m.at < d.at + interval '1 day'
    ORDER BY m.number DESC LIMIT 1
) m ON true;

-- What the gate refused at once, and what was approved and did not leave: gated again and refused,
-- or taken back while it waited. Value and limit are of the check that failed, where one did.
CREATE OR REPLACE VIEW tickgate.rejects AS
SELECT d.at, d.ns, d.journal, d.epoch, d.lane, d.sequence, r.name AS refusal, r.help,
       (ARRAY['firm', 'account', 'strategy', 'symbol', 'session'])[d.scope + 1] AS scope,
       d.value, d.limit_value, d.limits_version, d.session, d.account, d.strategy, d.instrument, d.kind,
       d.side, d.quantity, tickgate.dollars(d.price) AS price,
       tickgate.without_sign(d.client_id) AS client_id, 'gate' AS stage
FROM tickgate.decisions d LEFT JOIN tickgate.refusals r ON r.number = d.refusal
WHERE d.refusal <> 0
UNION ALL
SELECT s.at, s.ns, s.journal, s.epoch, s.lane, s.sequence, r.name, r.help,
       (ARRAY['firm', 'account', 'strategy', 'symbol', 'session'])[a.scope + 1],
       a.value, a.limit_value, coalesce(a.limits_version, d.limits_version), d.session, d.account,
       d.strategy, d.instrument, d.kind, d.side, d.quantity, tickgate.dollars(d.price),
       tickgate.without_sign(d.client_id),
       CASE WHEN a.refusal IS NULL THEN 'not sent' ELSE 'gate again' END
FROM tickgate.sends s
JOIN tickgate.decisions d ON d.journal = s.journal AND d.epoch = s.epoch AND d.lane = s.lane
    AND d.sequence = s.decision AND d.at <= s.at AND d.at > s.at - interval '1 day'
LEFT JOIN tickgate.releases a ON a.refusal <> 0 AND a.journal = s.journal AND a.epoch = s.epoch
    AND a.lane = s.lane AND a.decision = s.decision AND a.at <= s.at AND a.at > s.at - interval '1 day'
LEFT JOIN tickgate.refusals r ON r.number = s.refusal
WHERE NOT s.sent;
