//! A list of files on its way from the program that drags it.

/// Longest list that is read.
pub const MOST_BYTES: usize = 1 << 20;

/// How far it is.
#[derive(Debug, Default, PartialEq, Eq)]
pub enum Transfer {
    /// Nobody has asked.
    #[default]
    Idle,
    /// The other end was asked.
    Asked,
    /// It comes in pieces.
    Pieces(Vec<u8>),
}

/// What a piece of it means.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// There is more to come.
    More,
    /// This is all; none if it cannot be had.
    Done(Option<Vec<u8>>),
}

impl Transfer {
    /// The other end has answered: with nothing, with the whole, or with the announcement of
    /// pieces.
    pub fn answered(&mut self, data: Option<Vec<u8>>, is_announcement: bool) -> Step {
        match std::mem::take(self) {
            Transfer::Asked if is_announcement => {
                *self = Transfer::Pieces(Vec::new());
                Step::More
            }
            Transfer::Asked => Step::Done(data.filter(|data| data.len() <= MOST_BYTES)),
            other => {
                *self = other;
                Step::More
            }
        }
    }

    /// A piece has come; an empty one is the last.
    pub fn piece(&mut self, piece: &[u8]) -> Step {
        let Transfer::Pieces(bytes) = self else {
            return Step::More;
        };
        if !piece.is_empty() && bytes.len() + piece.len() <= MOST_BYTES {
            bytes.extend_from_slice(piece);
            return Step::More;
        }
        let is_whole = piece.is_empty();
        let bytes = std::mem::take(bytes);
        *self = Transfer::Idle;
        Step::Done(is_whole.then_some(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_comes_at_once_or_in_pieces() {
        let mut transfer = Transfer::Asked;
        let whole = transfer.answered(Some(b"all".to_vec()), false);
        assert_eq!(whole, Step::Done(Some(b"all".to_vec())));
        assert_eq!(transfer, Transfer::Idle);
        transfer = Transfer::Asked;
        assert_eq!(transfer.answered(None, true), Step::More);
        assert_eq!(transfer.piece(b"one "), Step::More);
        assert_eq!(transfer.piece(b"two"), Step::More);
        let done = transfer.piece(b"");
        assert_eq!(done, Step::Done(Some(b"one two".to_vec())));
        assert_eq!(transfer, Transfer::Idle);
    }

    #[test]
    fn what_nobody_asked_for_and_what_has_no_end_is_nothing() {
        let mut transfer = Transfer::Idle;
        assert_eq!(transfer.answered(Some(vec![1]), false), Step::More);
        assert_eq!(transfer.piece(b"x"), Step::More);
        transfer = Transfer::Asked;
        assert_eq!(transfer.answered(None, false), Step::Done(None));
        transfer = Transfer::Asked;
        let much = vec![0; MOST_BYTES + 1];
        assert_eq!(transfer.answered(Some(much), false), Step::Done(None));
        transfer = Transfer::Pieces(Vec::new());
        let half = vec![0; MOST_BYTES / 2 + 1];
        assert_eq!(transfer.piece(&half), Step::More);
        assert_eq!(transfer.piece(&half), Step::Done(None));
        assert_eq!(transfer, Transfer::Idle);
    }
}
