//! The drums by the side-chain.

/// Puts the side-chain's channels in place of what is in the main buffer, silence where it has
/// none. Real-time safe.
pub(super) fn take(side_chain: &[&mut [f32]], main: [&mut [f32]; 2]) {
    for (index, channel) in main.into_iter().enumerate() {
        let given = side_chain.get(index).map_or(&[][..], |given| &**given);
        let count = given.len().min(channel.len());
        channel[..count].copy_from_slice(&given[..count]);
        channel[count..].fill(0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The main buffer, which had something in it, with the side-chain.
    fn taken(side_chain: &mut [Vec<f32>]) -> [Vec<f32>; 2] {
        let mut main = [vec![7.0; 3], vec![7.0; 3]];
        let [left, right] = &mut main;
        let given: Vec<&mut [f32]> = side_chain.iter_mut().map(Vec::as_mut_slice).collect();
        take(&given, [left, right]);
        main
    }

    #[test]
    fn the_side_chain_takes_the_place_of_what_was_there() {
        let (left, right) = (vec![0.1, 0.2, 0.3], vec![0.4, 0.5, 0.6]);
        let silence = vec![0.0; 3];
        let both = [left.clone(), right.clone()];
        assert_eq!(taken(&mut both.clone()), both);
        assert_eq!(taken(&mut [left.clone()]), [left, silence.clone()]);
        assert_eq!(taken(&mut []), [silence.clone(), silence]);
        let short = taken(&mut [vec![0.1], vec![]]);
        assert_eq!(short, [vec![0.1, 0.0, 0.0], vec![0.0; 3]]);
    }
}
