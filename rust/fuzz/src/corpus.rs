//! The inputs that are kept, one a file: what the runtime writes, and what was once read wrongly.

use std::io;
use std::path::{Path, PathBuf};

use crate::tree::Node;

/// The inputs of one target by their files' names, sorted.
pub fn inputs(target: &str) -> io::Result<Vec<(PathBuf, Vec<u8>)>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(target);
    let entries = folder.read_dir()?.map(|entry| Ok(entry?.path()));
    let mut paths = entries.collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    paths
        .into_iter()
        .map(|path| Ok((path.clone(), std::fs::read(path)?)))
        .collect()
}

/// Every line of these inputs as a tree, to be changed.
pub fn trees(inputs: &[(PathBuf, Vec<u8>)]) -> Vec<Node> {
    let lines = inputs
        .iter()
        .flat_map(|(_, input)| input.split(|byte| *byte == b'\n'));
    // What nests very deep is made anew for each input.
    lines
        .filter(|line| !line.is_empty() && line.len() < 4096)
        .map(Node::parse)
        .collect()
}
