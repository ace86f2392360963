"""The vendor's customers: who they are, a note, a ban, and an end to what is known of them."""
