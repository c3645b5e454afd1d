//! The messages and the client, from the proto that the daemon is built from.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=../../protos/norikv/viz/v1/vizd.proto");
    let descriptors = protox::compile(["norikv/viz/v1/vizd.proto"], ["../../protos"])?;
    tonic_prost_build::configure().build_server(false).compile_fds(descriptors)?;
    Ok(())
}
