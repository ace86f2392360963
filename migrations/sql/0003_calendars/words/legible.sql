-- Promise: a text as people read it, so that two that look the same compare equal: in its plain form (NFKC: full-width
-- letters are letters), without controls and what is invisible (Default_Ignorable_Code_Point, and the empty braille
-- pattern). The same expression as in the indexes of customers, which are then found.
-- Locks: none. Raises: nothing.
CREATE OR REPLACE FUNCTION legible(p_text text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN normalize(regexp_replace(p_text, '[\u0001-\u001F\u007F-\u009F\u00AD\u034F\u061C\u115F-\u1160\u17B4-\u17B5\u180B-\u180F\u200B-\u200F\u2028-\u202E\u2060-\u206F\u2800\u3164\uFE00-\uFE0F\uFEFF\uFFA0\uFFF0-\uFFFB\U0001BCA0-\U0001BCA3\U0001D173-\U0001D17A\U000E0000-\U000E0FFF]', '', 'g'), NFKC);
