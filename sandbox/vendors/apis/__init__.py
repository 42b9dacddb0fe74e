"""APIs of vendors, as data: one file each, with the name of the vendor's preset."""
