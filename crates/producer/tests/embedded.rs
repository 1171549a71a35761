//! The producer in a program that has more to do with TLS than the producer.

use kinesis_producer::Producer;

/// With two providers of cryptography in one program, rustls does not choose, and panics.
#[tokio::test]
async fn a_program_beside_the_producer_builds_tls_of_its_own() {
    let config = aws_config::SdkConfig::builder().build();
    let builder = Producer::builder(&config, "orders");
    drop(rustls::ClientConfig::builder());
    drop(builder);
}
