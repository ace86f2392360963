"""Import and export: everything a vendor has, as files, and back."""
