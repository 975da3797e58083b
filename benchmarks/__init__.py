"""What edged costs and how well it does, each against a floor or a peer in the same run."""
