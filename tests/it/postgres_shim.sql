-- What the demo queries use of Redshift that PostgreSQL has not, or has for other types.
CREATE FUNCTION json_extract_path_text(document varchar, key varchar) RETURNS varchar
  LANGUAGE sql IMMUTABLE AS $$ SELECT document::json ->> key $$;
CREATE FUNCTION nvl(one bigint, other bigint) RETURNS bigint
  LANGUAGE sql IMMUTABLE AS $$ SELECT coalesce(one, other) $$;
CREATE FUNCTION len(words varchar) RETURNS integer
  LANGUAGE sql IMMUTABLE AS $$ SELECT character_length(words) $$;
