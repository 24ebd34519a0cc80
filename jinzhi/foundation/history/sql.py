"""What the database itself guards: functions that alone may write the trail, and triggers against changes."""

# Face roles may not insert into the tables; they call these functions, which run as the owner. The first
# locks the chain's head, the second writes one entry behind it and nowhere else.
FUNCTIONS = """
CREATE FUNCTION history_lock(p_chain text, OUT seq bigint, OUT hash text, OUT at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  INSERT INTO history_head AS h (chain, seq, hash) VALUES (p_chain, 0, '') ON CONFLICT (chain) DO NOTHING;
  SELECT h.seq, h.hash INTO seq, hash FROM history_head h WHERE h.chain = p_chain FOR UPDATE;
  at := clock_timestamp();
END $$;

CREATE FUNCTION history_write(
  p_chain text, p_seq bigint, p_at timestamptz, p_kind text, p_actor_id bigint, p_actor text, p_post text,
  p_on_behalf text, p_subject text, p_data jsonb, p_address text, p_place bigint, p_prev text, p_hash text)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE written bigint;
BEGIN
  UPDATE history_head SET seq = p_seq, hash = p_hash
    WHERE chain = p_chain AND seq = p_seq - 1 AND (hash = p_prev OR (seq = 0 AND p_prev = repeat('0', 64)));
  IF NOT FOUND THEN
    RAISE EXCEPTION 'history: % does not follow the head of chain %', p_seq, p_chain;
  END IF;
  INSERT INTO history_auditentry (chain, seq, at, kind, actor_id, actor, post, on_behalf, subject, data,
      address, place, prev, hash)
    VALUES (p_chain, p_seq, p_at, p_kind, p_actor_id, p_actor, p_post, p_on_behalf, p_subject, p_data,
      p_address, p_place, p_prev, p_hash)
    RETURNING id INTO written;
  RETURN written;
END $$;
"""

UNDO_FUNCTIONS = """
DROP FUNCTION history_write(text, bigint, timestamptz, text, bigint, text, text, text, text, jsonb, text,
  bigint, text, text);
DROP FUNCTION history_lock(text);
"""

TRIGGERS = """
CREATE FUNCTION history_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the audit trail is append-only: % refused', TG_OP;
END $$;
CREATE TRIGGER history_unchangeable BEFORE UPDATE OR DELETE ON history_auditentry
  FOR EACH ROW EXECUTE FUNCTION history_refuse();
CREATE TRIGGER history_untruncatable BEFORE TRUNCATE ON history_auditentry
  FOR EACH STATEMENT EXECUTE FUNCTION history_refuse();
CREATE FUNCTION history_forward() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' OR NEW.chain <> OLD.chain OR NEW.seq <> OLD.seq + 1 THEN
    RAISE EXCEPTION 'the head of a chain only moves forward';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER history_head_forward BEFORE UPDATE OR DELETE ON history_head
  FOR EACH ROW EXECUTE FUNCTION history_forward();
"""

UNDO_TRIGGERS = """
DROP TRIGGER history_unchangeable ON history_auditentry;
DROP TRIGGER history_untruncatable ON history_auditentry;
DROP TRIGGER history_head_forward ON history_head;
DROP FUNCTION history_refuse();
DROP FUNCTION history_forward();
"""

_FACES = "jinzhi_app, jinzhi_staff, jinzhi_enterprise, jinzhi_public, jinzhi_system"
RIGHTS = [
    f"REVOKE INSERT ON history_auditentry FROM {_FACES}",
    f"REVOKE INSERT, UPDATE, DELETE ON history_head FROM {_FACES}",
    "REVOKE SELECT ON history_head FROM jinzhi_app, jinzhi_staff, jinzhi_enterprise, jinzhi_public",
]
UNDO_RIGHTS = [
    f"GRANT INSERT ON history_auditentry TO {_FACES}",
    f"GRANT SELECT, INSERT, UPDATE, DELETE ON history_head TO {_FACES}",
]
