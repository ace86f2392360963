"""Files of vendors, by kind, as somebody would type them."""

from __future__ import annotations

PLACES = {
    "locations": "name,time_zone\nMitte,Europe/Berlin\n",
    "providers": "name,location\nAnna,Mitte\nRoom,Mitte\nHotel,Mitte\n",
    "services": "name,duration_minutes,buffer_after_minutes,price_amount,price_currency\n"
    "Cut,45,15,4500,EUR\nMassage,60,,,\n",
    "needs": "service,need,role,provider\nMassage,1,therapist,Anna\nMassage,2,room,Room\n",
    "slots": "provider,start,end,capacity\n"
    "Anna,2040-01-02 09:00,2040-01-02 17:00,\n"
    "Room,2040-01-02 09:00,2040-01-02 17:00,\n"
    "Hotel,2040-01-02 15:00,2040-01-03 11:00,2\n"
    "Hotel,2040-01-03 15:00,2040-01-04 11:00,2\n"
    "Anna,2025-03-03 09:00,2025-03-03 17:00,\n",
    "customers": "ref,name,email,phone,note,banned\n"
    "ada,Ada,ada@example.org,+44 20 7946 0123,=1+1,no\n"
    'bob,"Bob, Jr.",bob@example.org,,"two\nlines",yes\n',
}
BOOKINGS = (
    "kind,status,provider,other_providers,service,start,end,quantity,customer,customer_name,"
    "notes,metadata\n"
    ",,Anna,,Cut,2040-01-02 09:00,2040-01-02 09:45,,ada,,,\n"
    ",confirmed,Anna,Room,Massage,2040-01-02 12:00,2040-01-02 13:00,1,bob,,-quiet please,\n"
    ",cancelled,Anna,,Cut,2040-01-02 09:00,2040-01-02 09:45,1,ada,,,\n"
    ',,Hotel,,,2040-01-02 15:00,2040-01-04 11:00,2,,Walk-in,,"{""floor"": 3}"\n'
    "block,,Anna,,,2040-01-02 16:00,2040-01-02 17:00,1,,,Cleaning,\n"
    ",held,Room,,,2040-01-02 16:00,2040-01-02 17:00,1,ada,,,\n"
    ",completed,Anna,,Cut,2025-03-03 10:00,2025-03-03 10:45,1,ada,,,\n"
    ",no_show,Anna,,Cut,2025-03-03 11:00,2025-03-03 11:45,1,bob,,,\n"
    ",expired,Anna,,Cut,2025-03-03 12:00,2025-03-03 12:45,1,bob,,,\n"
)
SALON = {**PLACES, "bookings": BOOKINGS}
CATALOGUE = {
    "locations": 'name,address,time_zone\nMitte,"Main street 1\nBerlin",\nLisboa,,Europe/Lisbon\n',
    "providers": "name,location\nAnna,Mitte\nBert,Mitte\nRoom 1,Mitte\n",
    "services": "name,duration_minutes,buffer_after_minutes,price_amount,price_currency\n"
    "Cut,45,15,4500,EUR\nMassage,60,,,\n",
    "needs": "service,need,role,provider,preference\n"
    "Massage,1,therapist,Anna,2\nMassage,1,therapist,Bert,1\nMassage,2,room,Room 1,\n",
    "schedules": "provider,valid_from,monday,tuesday,slot_minutes\n"
    "Anna,2026-01-01,09:00-12:00 13:00-17:00,9:00-12:00,60\n",
    "exceptions": "provider,starts_on,ends_on,kind,hours,reason\n"
    "Anna,2026-12-24,2026-12-26,closed,,Holiday\nAnna,2027-01-02,,extra,10:00-12:00,\n",
}
