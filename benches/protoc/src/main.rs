//! Prints the path of a `protoc`. The `skywalking` crate, a peer that we
//! measure ourselves against, generates code when it is built and needs one.

fn main() -> Result<(), protoc_bin_vendored::Error> {
    println!("{}", protoc_bin_vendored::protoc_bin_path()?.display());
    Ok(())
}
