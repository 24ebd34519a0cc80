"""SQL that the migration runs: the tables of exchange, which only background work (the system's face) may touch.

`locality` is the place of the record a line is about. It is not called `place`, because these rows are no records:
officials only read the log, the quarantine and the comparisons, those of their places; everything else is the
system's alone.
"""

from jinzhi.foundation.places import rls

TABLES = """
CREATE TABLE exchange_self (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  node varchar(12) NOT NULL, hub boolean NOT NULL, enabled boolean NOT NULL,
  incarnation uuid NOT NULL DEFAULT gen_random_uuid());

CREATE TABLE exchange_capture (dataset varchar(60) PRIMARY KEY, digest varchar(64) NOT NULL);

CREATE TABLE exchange_outbox (
  id bigint GENERATED ALWAYS AS IDENTITY,
  made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  dataset varchar(60) NOT NULL, schema smallint NOT NULL, record uuid NOT NULL, locality bigint NOT NULL,
  owner_node varchar(12) NOT NULL, version integer NOT NULL, op "char" NOT NULL,
  body json NOT NULL,  -- written once, sent as it is, asked for nothing
  PRIMARY KEY (made_at, id)) PARTITION BY RANGE (made_at);
CREATE INDEX exchange_outbox_record ON exchange_outbox USING hash (record);
CREATE INDEX exchange_outbox_dataset ON exchange_outbox (dataset, made_at, id);  -- the sent log by dataset
CREATE INDEX exchange_outbox_locality ON exchange_outbox (locality, made_at, dataset, id);  -- by county
CREATE TABLE exchange_outbox_rest PARTITION OF exchange_outbox DEFAULT;

CREATE TABLE exchange_pending (
  outbox_id bigint PRIMARY KEY, made_at timestamptz NOT NULL, dataset varchar(60) NOT NULL,
  locality bigint NOT NULL, origin varchar(30) NOT NULL DEFAULT '',  -- the peer it came from
  target varchar(40) NOT NULL DEFAULT '')
  WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);

CREATE TABLE exchange_channel (
  name varchar(40) PRIMARY KEY, peer varchar(30) NOT NULL, kind varchar(10) NOT NULL,
  state varchar(10) NOT NULL DEFAULT 'active', reason text NOT NULL DEFAULT '',
  numbered bigint NOT NULL DEFAULT 0, stored bigint NOT NULL DEFAULT 0, acknowledged bigint NOT NULL DEFAULT 0,
  batch bigint NOT NULL DEFAULT 0, base bigint NOT NULL DEFAULT 0,
  stored_at timestamptz, acknowledged_at timestamptz, changed_at timestamptz NOT NULL DEFAULT now());

CREATE TABLE exchange_subscription (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  channel varchar(40) NOT NULL REFERENCES exchange_channel ON DELETE CASCADE,
  dataset varchar(60) NOT NULL, fields text[], lo bigint NOT NULL, hi bigint NOT NULL,
  since date, until date, ended boolean NOT NULL DEFAULT false);
CREATE UNIQUE INDEX exchange_subscription_once ON exchange_subscription (channel, dataset) WHERE NOT ended;

CREATE TABLE exchange_queue (
  channel varchar(40) NOT NULL, seq bigint NOT NULL, outbox_id bigint, made_at timestamptz NOT NULL,
  subscription integer, batch bigint NOT NULL,
  PRIMARY KEY (channel, seq));
CREATE INDEX exchange_queue_outbox ON exchange_queue (outbox_id);
-- A line's number tells its moment, so joining by both is joining by one: without this the planner takes them for independent,
-- expects a single row of ten million and reads them all to sort it.
ALTER TABLE exchange_queue ALTER COLUMN made_at SET (n_distinct = 1);
ALTER TABLE exchange_outbox ALTER COLUMN made_at SET (n_distinct_inherited = 1);

CREATE TABLE exchange_batch (
  channel varchar(40) NOT NULL, number bigint NOT NULL, first bigint NOT NULL, last bigint NOT NULL,
  rows integer NOT NULL, counts jsonb NOT NULL, made_at timestamptz NOT NULL DEFAULT now(),
  digest varchar(32) NOT NULL DEFAULT '', trailer text NOT NULL DEFAULT '', bytes bigint NOT NULL DEFAULT 0,
  stored_at timestamptz, acknowledged_at timestamptz, applied integer, refused integer,
  receipt jsonb,
  PRIMARY KEY (channel, number));
CREATE INDEX exchange_batch_open ON exchange_batch (channel, number) WHERE acknowledged_at IS NULL;

CREATE TABLE exchange_refusal (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  channel varchar(40) NOT NULL, seq bigint NOT NULL, dataset varchar(60) NOT NULL, record uuid, version integer,
  code varchar(3) NOT NULL, reason text NOT NULL, told_at timestamptz NOT NULL DEFAULT now(),
  state varchar(10) NOT NULL DEFAULT 'open', settled_at timestamptz,
  UNIQUE (channel, seq));
CREATE INDEX exchange_refusal_open ON exchange_refusal (dataset, record) WHERE state = 'open';

CREATE TABLE exchange_position (
  stream varchar(40) PRIMARY KEY, peer varchar(30) NOT NULL, last bigint NOT NULL DEFAULT 0,
  incarnation varchar(36) NOT NULL DEFAULT '', rows integer NOT NULL DEFAULT 0,
  digest numeric NOT NULL DEFAULT 0, applied integer NOT NULL DEFAULT 0,
  refused jsonb NOT NULL DEFAULT '[]', counts jsonb NOT NULL DEFAULT '{}', at timestamptz);

CREATE TABLE exchange_inbound (
  id bigint GENERATED ALWAYS AS IDENTITY, received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  stream varchar(40) NOT NULL, seq bigint NOT NULL,
  peer varchar(30) NOT NULL, dataset varchar(60) NOT NULL, record uuid, version integer, op "char",
  locality bigint, bytes integer NOT NULL, outcome varchar(10) NOT NULL, code varchar(3) NOT NULL DEFAULT '',
  PRIMARY KEY (received_at, id)) PARTITION BY RANGE (received_at);
-- Each index costs every message that arrives: 1.2 microseconds as they are (a tree over random keys would cost 3.5, so
-- records are hashed). bench/exchange_log.py has what each filter of the page costs with them.
CREATE INDEX exchange_inbound_record ON exchange_inbound USING hash (record);
CREATE INDEX exchange_inbound_peer ON exchange_inbound (peer, received_at, id, dataset, locality);
CREATE INDEX exchange_inbound_dataset ON exchange_inbound (dataset, received_at, id);
CREATE INDEX exchange_inbound_locality ON exchange_inbound (locality, received_at, dataset, peer);
CREATE INDEX exchange_inbound_refused ON exchange_inbound (received_at, id) WHERE code <> '';
CREATE TABLE exchange_inbound_rest PARTITION OF exchange_inbound DEFAULT;

CREATE TABLE exchange_quarantine (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  received_at timestamptz NOT NULL DEFAULT clock_timestamp(), peer varchar(30) NOT NULL, kind varchar(10) NOT NULL,
  stream varchar(40) NOT NULL, seq bigint NOT NULL, dataset varchar(60) NOT NULL, record uuid, version integer,
  code varchar(3) NOT NULL, reason text NOT NULL, waits_for uuid, payload text NOT NULL, locality bigint NOT NULL DEFAULT 0,
  state varchar(10) NOT NULL DEFAULT 'open', settled_at timestamptz, settled_by varchar(80) NOT NULL DEFAULT '');
CREATE INDEX exchange_quarantine_open ON exchange_quarantine (record) WHERE state = 'open';
CREATE INDEX exchange_quarantine_waiting ON exchange_quarantine (waits_for) WHERE state = 'open' AND waits_for IS NOT NULL;

CREATE TABLE exchange_tombstone (
  dataset varchar(60) NOT NULL, record uuid NOT NULL, version integer NOT NULL, owner_node varchar(12) NOT NULL,
  at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (dataset, record));

CREATE TABLE exchange_tally (
  day date NOT NULL, peer varchar(30) NOT NULL, dataset varchar(60) NOT NULL,
  sent bigint NOT NULL DEFAULT 0, acknowledged bigint NOT NULL DEFAULT 0, refused_there bigint NOT NULL DEFAULT 0,
  received bigint NOT NULL DEFAULT 0, applied bigint NOT NULL DEFAULT 0, refused bigint NOT NULL DEFAULT 0,
  bytes_out bigint NOT NULL DEFAULT 0, bytes_in bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (day, peer, dataset));

CREATE TABLE exchange_reconciliation (
  id uuid PRIMARY KEY, peer varchar(30) NOT NULL, dataset varchar(60) NOT NULL, owner_node varchar(12) NOT NULL,
  started_at timestamptz NOT NULL DEFAULT clock_timestamp(), finished_at timestamptz,
  ours bigint, theirs bigint, differing bigint, state varchar(10) NOT NULL DEFAULT 'running',
  report jsonb NOT NULL DEFAULT '{}', our_signature text NOT NULL DEFAULT '', their_signature text NOT NULL DEFAULT '',
  signed_by varchar(80) NOT NULL DEFAULT '');
CREATE INDEX exchange_reconciliation_newest ON exchange_reconciliation (started_at DESC);
"""

NAMES = (
    "self", "capture", "outbox", "pending", "channel", "subscription", "queue", "batch", "refusal", "position",
    "inbound", "quarantine", "tombstone", "tally", "reconciliation",
)  # fmt: skip

RIGHTS = (
    "REVOKE ALL ON " + ", ".join(f"exchange_{name}" for name in NAMES)
    + ", exchange_outbox_rest, exchange_inbound_rest"
    + " FROM jinzhi_app, jinzhi_staff, jinzhi_enterprise, jinzhi_public"
)  # fmt: skip

# What officials read, by the places of their post. The log is read through views: COPY, which writes it, does not go with
# row-level security. The range is written so that an index on the place serves it whoever reads: "not an official OR in the
# range" would read the whole log for a county that has no line in it.
_LO = f"CASE WHEN current_user = 'jinzhi_staff' THEN {rls.LO} ELSE 0 END"
_HI = f"CASE WHEN current_user = 'jinzhi_staff' THEN {rls.HI} ELSE 999999999999 END"

READING = f"""
CREATE VIEW exchange_sent AS
SELECT o.id, q.channel, q.seq, c.peer, q.batch, o.made_at, o.dataset, o.record, o.version, o.op, o.locality,
  CASE WHEN f.id IS NOT NULL THEN 'refused' WHEN q.seq <= c.acknowledged THEN 'applied'
    WHEN q.seq <= c.stored THEN 'sent' ELSE 'waiting' END AS outcome, coalesce(f.code, '') AS code, f.seq AS refusal
FROM exchange_queue AS q
JOIN exchange_outbox AS o ON o.id = q.outbox_id AND o.made_at = q.made_at
JOIN exchange_channel AS c ON c.name = q.channel
LEFT JOIN exchange_refusal AS f ON f.channel = q.channel AND f.seq = q.seq
WHERE left(o.dataset, 1) <> '_' AND o.locality BETWEEN {_LO} AND {_HI};
CREATE VIEW exchange_refused AS
SELECT f.*, c.peer, o.locality FROM exchange_refusal AS f
JOIN exchange_channel AS c ON c.name = f.channel
LEFT JOIN exchange_queue AS q ON q.channel = f.channel AND q.seq = f.seq
LEFT JOIN exchange_outbox AS o ON o.id = q.outbox_id AND o.made_at = q.made_at
WHERE current_user <> 'jinzhi_staff' OR o.locality BETWEEN {rls.LO} AND {rls.HI};
CREATE VIEW exchange_received AS SELECT * FROM exchange_inbound WHERE locality BETWEEN {_LO} AND {_HI};
REVOKE ALL ON exchange_sent, exchange_refused, exchange_received FROM jinzhi_app, jinzhi_enterprise, jinzhi_public, jinzhi_staff;
GRANT SELECT ON exchange_sent, exchange_refused, exchange_received TO jinzhi_system, jinzhi_staff;
ALTER TABLE exchange_quarantine ENABLE ROW LEVEL SECURITY;
ALTER TABLE exchange_reconciliation ENABLE ROW LEVEL SECURITY;
CREATE POLICY system ON exchange_quarantine TO jinzhi_system, jinzhi_owner USING (true) WITH CHECK (true);
CREATE POLICY system ON exchange_reconciliation TO jinzhi_system, jinzhi_owner USING (true) WITH CHECK (true);
CREATE POLICY staff ON exchange_quarantine FOR SELECT TO jinzhi_staff USING (locality BETWEEN {rls.LO} AND {rls.HI});
CREATE POLICY staff ON exchange_reconciliation FOR SELECT TO jinzhi_staff
  USING (CASE WHEN owner_node ~ '^[0-9]{{6}}$' THEN owner_node::bigint * 1000000 BETWEEN {rls.LO} AND {rls.HI} ELSE false END);
GRANT SELECT ON exchange_quarantine, exchange_reconciliation TO jinzhi_staff;
"""

DROP = "DROP VIEW exchange_sent, exchange_refused, exchange_received; DROP TABLE " + ", ".join(
    f"exchange_{name}" for name in reversed(NAMES)
)

# The day a UUIDv7 was made (days since 1970), 0 for other kinds: the same at every node, for ever.
FUNCTIONS = """
CREATE FUNCTION exchange_day(id uuid) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
RETURN CASE WHEN substr(id::text, 15, 1) = '7'
  THEN (('x' || substr(id::text, 1, 8) || substr(id::text, 10, 4))::bit(48)::bigint / 86400000)::integer ELSE 0 END;

CREATE FUNCTION exchange_sum(said text) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
RETURN ('x' || substr(encode(sha256(convert_to(said, 'UTF8')), 'hex'), 1, 15))::bit(60)::bigint;

CREATE FUNCTION exchange_hash(version integer, body jsonb) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
RETURN exchange_sum(version || ' ' || body::text);

CREATE FUNCTION exchange_grow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.version := OLD.version + 1;
  RETURN NEW;
END $$;

CREATE FUNCTION exchange_partitions(ahead integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET timezone = 'UTC' AS $$
DECLARE parent text; month date; made integer := 0;
BEGIN
  FOREACH parent IN ARRAY ARRAY['exchange_outbox', 'exchange_inbound'] LOOP
    FOR i IN 0 .. ahead LOOP
      month := date_trunc('month', now())::date + make_interval(months => i);
      IF to_regclass(parent || to_char(month, '_YYYYMM')) IS NULL THEN
        BEGIN
          EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
            parent || to_char(month, '_YYYYMM'), parent, month, month + interval '1 month');
          EXECUTE format('REVOKE ALL ON %I FROM jinzhi_app, jinzhi_staff, jinzhi_enterprise, jinzhi_public',
            parent || to_char(month, '_YYYYMM'));
          made := made + 1;
        EXCEPTION WHEN check_violation THEN NULL;  -- rows of that month already lie in the rest
        END;
      END IF;
    END LOOP;
  END LOOP;
  ANALYZE exchange_outbox;  -- the whole of it, which the server's own upkeep leaves out
  ANALYZE exchange_inbound;
  RETURN made;
END $$;

CREATE FUNCTION exchange_drop_before(day date) RETURNS text[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET timezone = 'UTC' AS $$
DECLARE part record; gone text[] := '{}';
BEGIN
  FOR part IN SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
      WHERE i.inhparent IN ('exchange_outbox'::regclass, 'exchange_inbound'::regclass)
        AND c.relname ~ '_[0-9]{6}$' AND to_date(right(c.relname, 6), 'YYYYMM') + interval '1 month' <= day LOOP
    EXECUTE format('DROP TABLE %I', part.relname);
    gone := gone || part.relname::text;
  END LOOP;
  -- rows of months that had no partition when they came
  DELETE FROM exchange_outbox_rest WHERE made_at < day;
  DELETE FROM exchange_inbound_rest WHERE received_at < day;
  RETURN gone;
END $$;
REVOKE EXECUTE ON FUNCTION exchange_partitions(integer), exchange_drop_before(date) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION exchange_partitions(integer), exchange_drop_before(date)
  FROM jinzhi_app, jinzhi_staff, jinzhi_enterprise, jinzhi_public;
"""

DROP_FUNCTIONS = """
DROP FUNCTION exchange_drop_before(date);
DROP FUNCTION exchange_partitions(integer);
DROP FUNCTION exchange_grow();
DROP FUNCTION exchange_hash(integer, jsonb);
DROP FUNCTION exchange_sum(text);
DROP FUNCTION exchange_day(uuid);
"""

DOCUMENTS = rls.scoped("exchange_document")
