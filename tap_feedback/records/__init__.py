"""Records: rows made to fit their schema, the range of time they come from, and what stream maps make of them."""
