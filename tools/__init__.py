"""Generator of what follows from the code: tables in the documents, Meltano's settings, the benchmark picture."""
