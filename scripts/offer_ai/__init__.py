"""What the commands share, a room per idea; each room imports only those before it: base,
warehouse, features, training, learning, serving, erasing, simulation, bench."""
