//! The embeddable producer.
