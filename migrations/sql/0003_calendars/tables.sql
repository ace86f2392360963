-- What calendars need beside the door. Each part stands by itself; none rewrites a row of bookings or claims.

