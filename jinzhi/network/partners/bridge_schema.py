"""SQL that the migration runs: how a partner's bridge tables are made, in a schema of the partner's own.

The tables belong to the owner of all tables; the partner's role may add batches and read what is for it, nothing
else, and sees no other schema. Only the system's face may call these functions.
"""

FUNCTIONS = r"""
CREATE FUNCTION partners_bridge(code text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE s text := 'front_' || code;
BEGIN
  IF code !~ '^[a-z][0-9a-z]{1,11}$' THEN RAISE EXCEPTION 'not the code of a partner: %', code; END IF;
  IF to_regnamespace(s) IS NOT NULL THEN RETURN false; END IF;
  EXECUTE format('CREATE SCHEMA %I', s);
  EXECUTE format('CREATE TABLE %I.batch_in (
    number text PRIMARY KEY CHECK (length(number) BETWEEN 1 AND 60), dataset text NOT NULL, schema integer NOT NULL DEFAULT 1,
    mode text NOT NULL DEFAULT ''increment'', rows integer NOT NULL CHECK (rows >= 0),
    ready boolean NOT NULL DEFAULT false, put_at timestamptz NOT NULL DEFAULT now(),
    state text NOT NULL DEFAULT ''waiting'', reason text NOT NULL DEFAULT '''', receipts jsonb,
    answered_at timestamptz)', s);
  EXECUTE format('CREATE TABLE %I.batch_out (
    number bigint PRIMARY KEY, first bigint NOT NULL, last bigint NOT NULL, rows integer NOT NULL, digest text NOT NULL,
    trailer text NOT NULL, put_at timestamptz NOT NULL DEFAULT now(), received boolean NOT NULL DEFAULT false,
    refused jsonb NOT NULL DEFAULT ''[]'', closed_at timestamptz)', s);
  EXECUTE format('GRANT USAGE ON SCHEMA %I TO jinzhi_system', s);
  EXECUTE format('GRANT ALL ON ALL TABLES IN SCHEMA %I TO jinzhi_system', s);
  RETURN true;
END $$;

CREATE FUNCTION partners_bridge_table(code text, side text, dataset text, names text[]) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE s text := 'front_' || code; t text := side || '_' || replace(dataset, '.', '_'); name text; made boolean := false;
BEGIN
  IF code !~ '^[a-z][0-9a-z]{1,11}$' OR side NOT IN ('in', 'out') OR dataset !~ '^[a-z0-9_.]{1,50}$' THEN
    RAISE EXCEPTION 'not a bridge table: % % %', code, side, dataset;
  END IF;
  IF to_regclass(format('%I.%I', s, t)) IS NULL THEN
    IF side = 'in' THEN
      EXECUTE format('CREATE TABLE %I.%I (batch text NOT NULL, row integer NOT NULL, op text NOT NULL DEFAULT ''u'',
        key text NOT NULL DEFAULT '''', version text, place text, changed_at text, refused_code text, refused_reason text,
        PRIMARY KEY (batch, row))', s, t);
    ELSE
      EXECUTE format('CREATE TABLE %I.%I (seq bigint PRIMARY KEY, batch bigint NOT NULL, op text NOT NULL,
        id uuid NOT NULL, version integer NOT NULL, place bigint NOT NULL, changed_at timestamptz NOT NULL)', s, t);
      EXECUTE format('CREATE INDEX ON %I.%I (batch)', s, t);
    END IF;
    EXECUTE format('GRANT ALL ON %I.%I TO jinzhi_system', s, t);
    made := true;
  END IF;
  FOREACH name IN ARRAY names LOOP
    EXECUTE format('ALTER TABLE %I.%I ADD COLUMN IF NOT EXISTS %I text', s, t, 'f_' || name);
  END LOOP;
  RETURN made;
END $$;

CREATE FUNCTION partners_bridge_grant(code text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE s text := 'front_' || code; who text := 'partner_' || code; t record; given text;
BEGIN
  IF code !~ '^[a-z][0-9a-z]{1,11}$' OR to_regnamespace(s) IS NULL
    OR NOT EXISTS (SELECT FROM pg_roles WHERE rolname = who) THEN RETURN false; END IF;
  EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', s, who);
  EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA %I TO %I', s, who);
  EXECUTE format('GRANT INSERT (number, dataset, schema, mode, rows, ready), UPDATE (ready) ON %I.batch_in TO %I', s, who);
  EXECUTE format('GRANT UPDATE (received, refused) ON %I.batch_out TO %I', s, who);
  FOR t IN SELECT c.oid, c.relname FROM pg_class AS c WHERE c.relnamespace = to_regnamespace(s) AND c.relkind = 'r'
      AND c.relname LIKE 'in\_%' LOOP
    SELECT string_agg(quote_ident(a.attname), ', ') INTO given FROM pg_attribute AS a
      WHERE a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attname NOT LIKE 'refused\_%';
    EXECUTE format('GRANT INSERT (%s) ON %I.%I TO %I', given, s, t.relname, who);
  END LOOP;
  RETURN true;
END $$;
REVOKE EXECUTE ON FUNCTION partners_bridge(text), partners_bridge_table(text, text, text, text[]),
  partners_bridge_grant(text) FROM PUBLIC, jinzhi_app, jinzhi_staff, jinzhi_enterprise, jinzhi_public;
"""

DROP = """
DROP FUNCTION partners_bridge_grant(text);
DROP FUNCTION partners_bridge_table(text, text, text, text[]);
DROP FUNCTION partners_bridge(text);
"""
