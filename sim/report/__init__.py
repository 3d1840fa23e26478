"""One self-contained HTML page about a result folder: answer, tables, maps, diagrams, in German and English."""
