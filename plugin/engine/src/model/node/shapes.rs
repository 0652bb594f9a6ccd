//! Nodes that rearrange: joining, cutting and reshaping.

use super::{
    super::{
        onnx::{Attributes, Refusal, element_count, show},
        operators::Op,
    },
    Reader, axis,
};

impl Reader<'_> {
    pub(super) fn concat(&self, attributes: &mut Attributes) -> Result<(Op, Vec<usize>), Refusal> {
        let first = self.required(0)?;
        let axis = axis(attributes.int("axis", i64::MAX)?, first.shape.len())?;
        let mut shape = first.shape.to_vec();
        let mut inputs = vec![first.id];
        for index in 1..self.operands.len() {
            let next = self.required(index)?;
            let agrees = next.shape.len() == shape.len()
                && (0..shape.len()).all(|d| d == axis || next.shape[d] == shape[d]);
            if !agrees {
                return Err(Refusal::new(
                    format!("shape of input {index}"),
                    format!("{} but for axis {axis}", show(&shape)),
                    show(next.shape),
                ));
            }
            shape[axis] += next.shape[axis];
            inputs.push(next.id);
        }
        Ok((Op::Concat { inputs, axis }, shape))
    }

    pub(super) fn slice(&self) -> Result<(Op, Vec<usize>), Refusal> {
        self.count(3..=5)?;
        let input = self.required(0)?;
        let rank = input.shape.len();
        let list = |index: usize| {
            self.integers(index)?
                .ok_or_else(|| Refusal::new(format!("input {index}"), "integers", "none"))
        };
        let (from, to) = (list(1)?, list(2)?);
        let every: Vec<i64> = (0..rank as i64).collect();
        let axes = self
            .integers(3)?
            .unwrap_or(&every[..every.len().min(from.len())]);
        if let Some(steps) = self.integers(4)?
            && let Some(step) = steps.iter().find(|&&step| step != 1)
        {
            return Err(Refusal::new("steps", 1, step));
        }
        if from.len() != axes.len() || to.len() != axes.len() {
            let found = format!("{} and {}", from.len(), to.len());
            return Err(Refusal::new("length of starts and ends", axes.len(), found));
        }
        let (mut starts, mut shape) = (vec![0; rank], input.shape.to_vec());
        for ((&from, &to), &along) in from.iter().zip(to).zip(axes) {
            let along = axis(along, rank)?;
            let size = input.shape[along] as i64;
            let resolve = |position: i64| {
                let position = if position < 0 {
                    position.saturating_add(size)
                } else {
                    position
                };
                position.clamp(0, size)
            };
            let (from, to) = (resolve(from), resolve(to));
            if from >= to {
                return Err(Refusal::new(
                    "slice",
                    "at least one element",
                    format!("{from}..{to}"),
                ));
            }
            starts[along] = from as usize;
            shape[along] = (to - from) as usize;
        }
        Ok((
            Op::Slice {
                input: input.id,
                starts,
            },
            shape,
        ))
    }

    pub(super) fn reshape(&self, attributes: &mut Attributes) -> Result<(Op, Vec<usize>), Refusal> {
        self.count(2..=2)?;
        let input = self.required(0)?;
        let wanted = self
            .integers(1)?
            .ok_or_else(|| Refusal::new("input 1", "a shape", "none"))?;
        let keep_zero = attributes.int("allowzero", 0)?;
        if keep_zero != 0 {
            return Err(Refusal::new("allowzero", 0, keep_zero));
        }
        let count: usize = input.shape.iter().product();
        let mismatch = || Refusal::new("shape", format!("{count} elements"), format!("{wanted:?}"));
        let mut open = None;
        let mut shape = Vec::with_capacity(wanted.len());
        for (index, &dim) in wanted.iter().enumerate() {
            shape.push(match dim {
                -1 if open.is_none() => {
                    open = Some(index);
                    1
                }
                0 => *input.shape.get(index).ok_or_else(mismatch)?,
                dim => usize::try_from(dim).map_err(|_| mismatch())?,
            });
        }
        let known = element_count(&shape).ok_or_else(mismatch)?;
        if let Some(open) = open {
            shape[open] = count / known;
        }
        if shape.iter().product::<usize>() != count {
            return Err(mismatch());
        }
        Ok((Op::View { input: input.id }, shape))
    }

    pub(super) fn flatten(&self, attributes: &mut Attributes) -> Result<(Op, Vec<usize>), Refusal> {
        let input = self.only()?;
        let rank = input.shape.len();
        let split = attributes.int("axis", 1)?;
        let split = if split == rank as i64 {
            rank
        } else {
            axis(split, rank)?
        };
        let (rows, columns) = input.shape.split_at(split);
        let shape = vec![rows.iter().product(), columns.iter().product()];
        Ok((Op::View { input: input.id }, shape))
    }
}
