-- Tables of the store. docs/store.md says what stands in them.
--
-- Every row of an event begins with the same columns: when it happened (at, and the nanoseconds that
-- a timestamptz has no room for), where it stands in which journal, and who it is: epoch of the
-- dataplane, lane (255: its main thread), sequence of the lane's ring. Prices and money are in ten
-- thousandths of a dollar. Numbers of 64 bits without a sign stand as bigint with the same bits.

CREATE TABLE tickgate.journals (
    id         integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    journal    uuid NOT NULL UNIQUE,
    segment    bigint NOT NULL DEFAULT 0,
    number     bigint NOT NULL DEFAULT 0,     -- of the last record that has been taken
    events     bigint NOT NULL DEFAULT 0,     -- taken so far
    moved_at   timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50);
COMMENT ON TABLE tickgate.journals IS 'How far each journal has been taken; moves with what was taken';

CREATE TABLE tickgate.instances (
    journal        integer NOT NULL REFERENCES tickgate.journals,
    epoch          bigint NOT NULL,
    number         bigint NOT NULL,
    node           text NOT NULL,
    started_at     timestamptz NOT NULL,
    config_hash    bytea NOT NULL,
    program_hash   bytea NOT NULL,
    limits_version bigint NOT NULL,
    PRIMARY KEY (journal, epoch)
);
COMMENT ON TABLE tickgate.instances IS 'Every start of a dataplane';

CREATE TABLE tickgate.holes (
    journal    integer NOT NULL REFERENCES tickgate.journals,
    first      bigint NOT NULL,
    last       bigint NOT NULL,
    why        text NOT NULL,
    found_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (journal, first)
);
COMMENT ON TABLE tickgate.holes IS 'Records that the journal does not have any more';

CREATE TABLE tickgate.refusals (number smallint PRIMARY KEY, name text NOT NULL, help text NOT NULL);

CREATE TABLE tickgate.decisions (
    at timestamptz NOT NULL, ns smallint NOT NULL, journal integer NOT NULL, number bigint NOT NULL,
    epoch bigint NOT NULL, lane smallint NOT NULL, sequence bigint NOT NULL,
    kind           "char" NOT NULL,           -- O order, U replace, M modify
    refusal        smallint NOT NULL,         -- 0: approved
    session        smallint NOT NULL,
    account        smallint NOT NULL,
    strategy       smallint NOT NULL,
    instrument     integer NOT NULL,
    side           "char" NOT NULL,
    time_in_force  "char" NOT NULL,
    display        "char" NOT NULL,
    place          integer NOT NULL,          -- in the lane's table of orders; -1: none
    ref            integer NOT NULL,          -- number of the message at the exchange; 0: none
    client_id      bigint NOT NULL,
    quantity       bigint NOT NULL,
    price          bigint NOT NULL,
    bid            bigint NOT NULL,           -- the book that was seen; 0: empty
    ask            bigint NOT NULL,
    bid_shares     bigint NOT NULL,
    ask_shares     bigint NOT NULL,
    quality        smallint NOT NULL,
    clock_quality  smallint NOT NULL,
    limits_version bigint NOT NULL,
    scope          smallint NOT NULL,
    checks         bigint NOT NULL,
    value          bigint NOT NULL,           -- of the check that failed ...
    limit_value    bigint NOT NULL,           -- ... and its limit
    started_ns     integer NOT NULL,          -- after the frame was received
    gated_ns       integer NOT NULL,
    encoded_ns     integer NOT NULL
);
COMMENT ON TABLE tickgate.decisions IS 'Orders, replaces and modifies that were approved or refused';
CREATE INDEX ON tickgate.decisions (session, ref);
CREATE INDEX ON tickgate.decisions USING brin (at);

CREATE TABLE tickgate.sends (
    at timestamptz NOT NULL, ns smallint NOT NULL, journal integer NOT NULL, number bigint NOT NULL,
    epoch bigint NOT NULL, lane smallint NOT NULL, sequence bigint NOT NULL,
    sent           boolean NOT NULL,
    kind           "char" NOT NULL,
    refusal        smallint NOT NULL,
    session        smallint NOT NULL,
    place          integer NOT NULL,
    ref            integer NOT NULL,
    decision       bigint NOT NULL,           -- sequence of the decision
    handed_ns      integer NOT NULL           -- after the frame was received
);
COMMENT ON TABLE tickgate.sends IS 'What became of approved decisions at the port';
CREATE INDEX ON tickgate.sends USING brin (at);

CREATE TABLE tickgate.cancels (
    at timestamptz NOT NULL, ns smallint NOT NULL, journal integer NOT NULL, number bigint NOT NULL,
    epoch bigint NOT NULL, lane smallint NOT NULL, sequence bigint NOT NULL,
    session        smallint NOT NULL,
    place          integer NOT NULL,
    ref            integer NOT NULL,
    total          bigint NOT NULL,           -- shares that may still execute
    waiting        bigint NOT NULL,
    cancels        smallint NOT NULL          -- sent for this order so far
);
COMMENT ON TABLE tickgate.cancels IS 'Cancels that were sent';
CREATE INDEX ON tickgate.cancels USING brin (at);

CREATE TABLE tickgate.order_messages (
    at timestamptz NOT NULL, ns smallint NOT NULL, journal integer NOT NULL, number bigint NOT NULL,
    epoch bigint NOT NULL, lane smallint NOT NULL, sequence bigint NOT NULL,
    message        smallint NOT NULL,         -- row of the order table's states
    did            integer NOT NULL,
    life           smallint NOT NULL,         -- 0 pending, 1 live, 2 unknown, 3 dead
    waits          smallint NOT NULL,
    session        smallint NOT NULL,
    account        smallint NOT NULL,
    strategy       smallint NOT NULL,
    instrument     integer NOT NULL,
    side           "char" NOT NULL,
    place          integer NOT NULL,
    ref            integer NOT NULL,
    client_id      bigint NOT NULL,
    exchange_ns    bigint NOT NULL,           -- the exchange's stamp, ns since its midnight
    exchange_ref   bigint NOT NULL,
    open           bigint NOT NULL,
    filled         bigint NOT NULL,
    price          bigint NOT NULL,
    reason         bigint NOT NULL
);
COMMENT ON TABLE tickgate.order_messages IS 'What exchanges said about orders, and their state after it';
CREATE INDEX ON tickgate.order_messages (session, ref);
CREATE INDEX ON tickgate.order_messages USING brin (at);

CREATE TABLE tickgate.executions (
    at timestamptz NOT NULL, ns smallint NOT NULL, journal integer NOT NULL, number bigint NOT NULL,
    epoch bigint NOT NULL, lane smallint NOT NULL, sequence bigint NOT NULL,
    session        smallint NOT NULL,
    account        smallint NOT NULL,
    strategy       smallint NOT NULL,
    instrument     integer NOT NULL,
    side           "char" NOT NULL,
    liquidity      "char" NOT NULL,
    place          integer NOT NULL,
    ref            integer NOT NULL,
    client_id      bigint NOT NULL,
    match          bigint NOT NULL,
    exchange_ns    bigint NOT NULL,
    shares         bigint NOT NULL,
    price          bigint NOT NULL,
    broken_shares  bigint NOT NULL,           -- of an earlier execution that is undone
    broken_price   bigint NOT NULL,
    position       bigint NOT NULL,           -- of the account in the instrument, after it
    realised       bigint,                    -- by shares that closed a position, at average cost
    again          boolean NOT NULL           -- an exchange repeated it to a later start
);
COMMENT ON TABLE tickgate.executions IS 'Executions, broken and corrected ones too';
CREATE INDEX ON tickgate.executions (session, ref);
CREATE INDEX ON tickgate.executions (match);
CREATE INDEX ON tickgate.executions (number);
CREATE INDEX ON tickgate.executions USING brin (at);

CREATE TABLE tickgate.unclaimed (
    at timestamptz NOT NULL, ns smallint NOT NULL, journal integer NOT NULL, number bigint NOT NULL,
    epoch bigint NOT NULL, lane smallint NOT NULL, sequence bigint NOT NULL,
    message        smallint NOT NULL,
    session        smallint NOT NULL,
    instrument     integer NOT NULL,
    symbol         text NOT NULL,
    ref            integer NOT NULL,
    match          bigint NOT NULL,
    exchange_ns    bigint NOT NULL,
    shares         bigint NOT NULL,
    price          bigint NOT NULL
);
COMMENT ON TABLE tickgate.unclaimed IS 'Messages about orders that are not ours to our knowledge';

CREATE TABLE tickgate.sessions (
    at timestamptz NOT NULL, ns smallint NOT NULL, journal integer NOT NULL, number bigint NOT NULL,
    epoch bigint NOT NULL, lane smallint NOT NULL, sequence bigint NOT NULL,
    session        smallint NOT NULL,
    was            smallint NOT NULL,
    became         smallint NOT NULL,
    halted         boolean NOT NULL,
    reject         "char" NOT NULL,
    next_sequence  bigint NOT NULL,
    missing        bigint NOT NULL,
    open_orders    bigint NOT NULL
);
COMMENT ON TABLE tickgate.sessions IS 'States of order sessions';

CREATE TABLE tickgate.kills (
    at timestamptz NOT NULL, ns smallint NOT NULL, journal integer NOT NULL, number bigint NOT NULL,
    epoch bigint NOT NULL, lane smallint NOT NULL, sequence bigint NOT NULL,
    event          text NOT NULL,             -- KILL, KILL_DONE, LIFTED
    asker          smallint NOT NULL,         -- 0 operator, 1 main thread, 2 lane, 3 command line
    rung           bigint NOT NULL,
    open_orders    bigint NOT NULL,
    scope          smallint NOT NULL,         -- of LIFTED, as in limit_changes
    index          bigint NOT NULL
);
COMMENT ON TABLE tickgate.kills IS 'Kills: when they came into force, were carried out, were lifted';

CREATE TABLE tickgate.limit_changes (
    at timestamptz NOT NULL, ns smallint NOT NULL, journal integer NOT NULL, number bigint NOT NULL,
    epoch bigint NOT NULL, lane smallint NOT NULL, sequence bigint NOT NULL,
    event          text NOT NULL,             -- LIMITS: another table; TRADING_STATE: halt, reduce, resume
    version        bigint NOT NULL,           -- of the table of limits
    scope          smallint NOT NULL,         -- 0 firm, 1 account, 2 strategy, 3 symbol, 4 session
    index          bigint NOT NULL,
    was            bigint NOT NULL,           -- version, or 0 active, 1 reducing, 2 halted
    became         bigint NOT NULL
);
COMMENT ON TABLE tickgate.limit_changes IS 'Changes of limits and trading states';

CREATE TABLE tickgate.governed (
    at timestamptz NOT NULL, ns smallint NOT NULL, journal integer NOT NULL, number bigint NOT NULL,
    epoch bigint NOT NULL, lane smallint NOT NULL, sequence bigint NOT NULL,
    command        smallint NOT NULL,
    scope          smallint NOT NULL,
    index          bigint NOT NULL,
    user_id        bigint NOT NULL,
    reason         text NOT NULL
);
COMMENT ON TABLE tickgate.governed IS 'What people ordered, and why';

CREATE TABLE tickgate.routes (
    at timestamptz NOT NULL, ns smallint NOT NULL, journal integer NOT NULL, number bigint NOT NULL,
    epoch bigint NOT NULL, lane smallint NOT NULL, sequence bigint NOT NULL,
    over           boolean NOT NULL,
    ending         smallint NOT NULL,
    how            smallint NOT NULL,
    rest           smallint NOT NULL,
    account        smallint NOT NULL,
    strategy       smallint NOT NULL,
    instrument     integer NOT NULL,
    side           "char" NOT NULL,
    route          bigint NOT NULL,
    round          bigint NOT NULL,
    client_id      bigint NOT NULL,
    quantity       bigint NOT NULL,
    price          bigint NOT NULL,
    wanted         bigint NOT NULL,
    open           bigint NOT NULL,
    filled         bigint NOT NULL,
    best           bigint NOT NULL
);
COMMENT ON TABLE tickgate.routes IS 'Rounds of routed orders, and their ends';
CREATE INDEX ON tickgate.routes USING brin (at);

CREATE TABLE tickgate.route_venues (
    at timestamptz NOT NULL, ns smallint NOT NULL, journal integer NOT NULL, number bigint NOT NULL,
    epoch bigint NOT NULL, lane smallint NOT NULL, sequence bigint NOT NULL,
    session        smallint NOT NULL,
    verdict        smallint NOT NULL,
    rank           smallint NOT NULL,
    quality        smallint NOT NULL,
    refusal        smallint NOT NULL,
    route          bigint NOT NULL,
    round          bigint NOT NULL,
    place          integer NOT NULL,
    decision       bigint NOT NULL,
    shares         bigint NOT NULL,
    net            bigint NOT NULL,           -- best price with the fee, in hundredths of a price's unit
    best           bigint NOT NULL,
    quantity       bigint NOT NULL,
    price          bigint NOT NULL
);
COMMENT ON TABLE tickgate.route_venues IS 'What each venue showed to a routed order, and what was decided';
CREATE INDEX ON tickgate.route_venues USING brin (at);

CREATE TABLE tickgate.events (
    at timestamptz NOT NULL, ns smallint NOT NULL, journal integer NOT NULL, number bigint NOT NULL,
    epoch bigint NOT NULL, lane smallint NOT NULL, sequence bigint NOT NULL,
    ring           smallint NOT NULL,         -- 0 trading, 1 diagnostic
    type           text NOT NULL,
    fields         jsonb NOT NULL
);
COMMENT ON TABLE tickgate.events IS 'Every event that has no table of its own';
CREATE INDEX ON tickgate.events USING brin (at);

-- Sums, kept in the transaction that moves the cursor.

CREATE TABLE tickgate.positions (
    journal        integer NOT NULL,
    epoch          bigint NOT NULL,
    account        smallint NOT NULL,
    instrument     integer NOT NULL,
    position       bigint NOT NULL,
    cost           bigint NOT NULL,           -- of the open position, at average
    bought         bigint NOT NULL,
    bought_value   bigint NOT NULL,
    sold           bigint NOT NULL,
    sold_value     bigint NOT NULL,
    realised       bigint NOT NULL,
    last_price     bigint NOT NULL,
    moved_at       timestamptz NOT NULL,
    PRIMARY KEY (journal, epoch, account, instrument)
) WITH (fillfactor = 50);
COMMENT ON TABLE tickgate.positions IS 'Positions of every start of a dataplane, as its lanes hold them';

CREATE TABLE tickgate.sums_minute (
    minute         timestamptz NOT NULL,
    journal        integer NOT NULL,
    session        smallint NOT NULL,
    account        smallint NOT NULL,
    strategy       smallint NOT NULL,
    instrument     integer NOT NULL,
    decisions      bigint NOT NULL,
    refused        bigint NOT NULL,
    messages       bigint NOT NULL,
    executions     bigint NOT NULL,
    shares         bigint NOT NULL,           -- executed, less those of broken executions
    value          bigint NOT NULL,
    closes         bigint NOT NULL,           -- executions that closed (part of) a position ...
    wins           bigint NOT NULL,           -- ... with a gain
    realised       bigint NOT NULL,
    PRIMARY KEY (minute, journal, session, account, strategy, instrument)
) WITH (fillfactor = 70);
COMMENT ON TABLE tickgate.sums_minute IS 'Trading by minute';

CREATE TABLE tickgate.sums_hour (LIKE tickgate.sums_minute INCLUDING STORAGE);
ALTER TABLE tickgate.sums_hour RENAME COLUMN minute TO hour;
ALTER TABLE tickgate.sums_hour ADD PRIMARY KEY (hour, journal, session, account, strategy, instrument);
COMMENT ON TABLE tickgate.sums_hour IS 'Trading by hour';

CREATE TABLE tickgate.latency_minute (
    minute         timestamptz NOT NULL,
    journal        integer NOT NULL,
    lane           smallint NOT NULL,
    session        smallint NOT NULL,
    stage          smallint NOT NULL,         -- 0 started, 1 gated, 2 encoded, 3 handed to the port
    below_ns       bigint NOT NULL,           -- the bucket's upper edge
    count          bigint NOT NULL,
    PRIMARY KEY (minute, journal, lane, session, stage, below_ns)
) WITH (fillfactor = 70);
COMMENT ON TABLE tickgate.latency_minute IS 'Time after the frame was received, as a histogram by minute';

CREATE TABLE tickgate.latency_hour (LIKE tickgate.latency_minute INCLUDING STORAGE);
ALTER TABLE tickgate.latency_hour RENAME COLUMN minute TO hour;
ALTER TABLE tickgate.latency_hour ADD PRIMARY KEY (hour, journal, lane, session, stage, below_ns);
COMMENT ON TABLE tickgate.latency_hour IS 'The same by hour';

-- Days. With TimescaleDB in the database its hypertables, else partitions of PostgreSQL.

CREATE FUNCTION tickgate.daily() RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
    SELECT ARRAY['decisions', 'sends', 'cancels', 'order_messages', 'executions', 'unclaimed',
                 'sessions', 'kills', 'limit_changes', 'governed', 'routes', 'route_venues', 'events']
$$;

CREATE FUNCTION tickgate.timescale() RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM pg_catalog.pg_extension WHERE extname = 'timescaledb')
$$;

DO $$
DECLARE
    name text;
    home text;
BEGIN
    SELECT quote_ident(n.nspname) INTO home
    FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
    WHERE e.extname = 'timescaledb';
    FOREACH name IN ARRAY tickgate.daily() LOOP
        IF tickgate.timescale() THEN
            EXECUTE format('SELECT %s.create_hypertable(%L::regclass, %L::name, '
                           'chunk_time_interval => interval ''1 day'', create_default_indexes => false)',
                           home, 'tickgate.' || name, 'at');
        ELSE
            EXECUTE format('ALTER TABLE tickgate.%I RENAME TO %I', name, name || '_shape');
            EXECUTE format('CREATE TABLE tickgate.%I (LIKE tickgate.%I INCLUDING ALL) PARTITION BY RANGE (at)',
                           name, name || '_shape');
            EXECUTE format('DROP TABLE tickgate.%I', name || '_shape');
        END IF;
    END LOOP;
END
$$;

-- Makes the partitions of a day (UTC) where they are missing. They are made aside and attached, so
-- that nobody who reads or writes other days has to wait.
CREATE FUNCTION tickgate.make_day(day date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    name text;
    part text;
BEGIN
    IF tickgate.timescale() THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(7521983, 2);
    FOREACH name IN ARRAY tickgate.daily() LOOP
        part := name || to_char(day, '_YYYYMMDD');
        CONTINUE WHEN to_regclass(format('tickgate.%I', part)) IS NOT NULL;
        EXECUTE format('CREATE TABLE tickgate.%I (LIKE tickgate.%I INCLUDING DEFAULTS)', part, name);
        EXECUTE format('ALTER TABLE tickgate.%I ATTACH PARTITION tickgate.%I FOR VALUES FROM (%L) TO (%L)',
                       name, part, day::timestamp AT TIME ZONE 'UTC',
                       (day + 1)::timestamp AT TIME ZONE 'UTC');
    END LOOP;
END
$$;

-- Takes away days (UTC) before one; says how many tables went.
CREATE FUNCTION tickgate.drop_days(before date) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    name text;
    part text;
    dropped integer := 0;
BEGIN
    FOREACH name IN ARRAY tickgate.daily() LOOP
        FOR part IN
            SELECT c.relname FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
            WHERE i.inhparent = format('tickgate.%I', name)::regclass
              AND c.relname < name || to_char(before, '_YYYYMMDD')
        LOOP
            EXECUTE format('DROP TABLE tickgate.%I', part);
            dropped := dropped + 1;
        END LOOP;
    END LOOP;
    RETURN dropped;
END
$$;

-- Adds rows to the sums of minute and hour.
CREATE FUNCTION tickgate.sums_add(rows tickgate.sums_minute[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO tickgate.sums_minute AS s SELECT * FROM unnest(rows) r
    ORDER BY r.minute, r.session, r.account, r.strategy, r.instrument
    ON CONFLICT (minute, journal, session, account, strategy, instrument) DO UPDATE SET
        decisions = s.decisions + excluded.decisions, refused = s.refused + excluded.refused,
        messages = s.messages + excluded.messages, executions = s.executions + excluded.executions,
        shares = s.shares + excluded.shares, value = s.value + excluded.value,
        closes = s.closes + excluded.closes, wins = s.wins + excluded.wins,
        realised = s.realised + excluded.realised;
    INSERT INTO tickgate.sums_hour AS s
    SELECT to_timestamp(floor(extract(epoch FROM minute) / 3600) * 3600) AS hour, journal, session,
           account, strategy, instrument, sum(decisions), sum(refused), sum(messages), sum(executions),
           sum(shares), sum(value), sum(closes), sum(wins), sum(realised)
    FROM unnest(rows) GROUP BY 1, 2, 3, 4, 5, 6
    ON CONFLICT (hour, journal, session, account, strategy, instrument) DO UPDATE SET
        decisions = s.decisions + excluded.decisions, refused = s.refused + excluded.refused,
        messages = s.messages + excluded.messages, executions = s.executions + excluded.executions,
        shares = s.shares + excluded.shares, value = s.value + excluded.value,
        closes = s.closes + excluded.closes, wins = s.wins + excluded.wins,
        realised = s.realised + excluded.realised;
$$;

CREATE FUNCTION tickgate.latency_add(rows tickgate.latency_minute[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO tickgate.latency_minute AS s SELECT * FROM unnest(rows)
    ON CONFLICT (minute, journal, lane, session, stage, below_ns) DO UPDATE SET
        count = s.count + excluded.count;
    INSERT INTO tickgate.latency_hour AS s
    SELECT to_timestamp(floor(extract(epoch FROM minute) / 3600) * 3600), journal, lane, session,
           stage, below_ns, sum(count)
    FROM unnest(rows) GROUP BY 1, 2, 3, 4, 5, 6
    ON CONFLICT (hour, journal, lane, session, stage, below_ns) DO UPDATE SET
        count = s.count + excluded.count;
$$;

CREATE FUNCTION tickgate.positions_set(rows tickgate.positions[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO tickgate.positions SELECT * FROM unnest(rows)
    ON CONFLICT (journal, epoch, account, instrument) DO UPDATE SET
        position = excluded.position, cost = excluded.cost, bought = excluded.bought,
        bought_value = excluded.bought_value, sold = excluded.sold,
        sold_value = excluded.sold_value, realised = excluded.realised,
        last_price = excluded.last_price, moved_at = excluded.moved_at;
$$;

-- A dataplane that starts again is told the day's executions once more. They are marked, and taken
-- out of the sums; positions are those of one start and need them. <first> to <last>: records.
CREATE FUNCTION tickgate.mark_again(of_journal integer, first bigint, last bigint) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    marked bigint;
    less   tickgate.sums_minute[];
BEGIN
    WITH repeated AS (
        UPDATE tickgate.executions e SET again = true
        WHERE e.journal = of_journal AND e.number BETWEEN first AND last AND EXISTS (
            SELECT FROM tickgate.executions o
            JOIN tickgate.instances oi ON oi.journal = o.journal AND oi.epoch = o.epoch
            JOIN tickgate.instances ei ON ei.journal = e.journal AND ei.epoch = e.epoch
            WHERE o.match = e.match AND o.exchange_ns = e.exchange_ns AND o.ref = e.ref
              AND o.session = e.session AND o.shares = e.shares
              AND o.broken_shares = e.broken_shares AND o.epoch < e.epoch
              AND o.at > e.at - interval '1 day' AND oi.node = ei.node)
        RETURNING e.*
    ), summed AS (
        SELECT to_timestamp(floor(extract(epoch FROM at) / 60) * 60), journal, session, account,
               strategy, instrument, 0::bigint, 0::bigint, 0::bigint,
               -count(*) FILTER (WHERE shares > 0), -sum(shares - broken_shares)::bigint,
               -sum(shares * price - broken_shares * broken_price)::bigint,
               -count(realised), -count(*) FILTER (WHERE realised > 0),
               -coalesce(sum(realised), 0)::bigint
        FROM repeated GROUP BY 1, 2, 3, 4, 5, 6
    )
    SELECT (SELECT count(*) FROM repeated), array_agg(s::tickgate.sums_minute) INTO marked, less
    FROM summed s;
    IF marked > 0 THEN
        PERFORM tickgate.sums_add(less);
    END IF;
    RETURN marked;
END
$$;
