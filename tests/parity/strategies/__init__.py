"""What hypothesis draws for the parity suite: `arrays` for values, `mutations` for changed cases of the tables."""
