//! From an ONNX node to an operator of the engine and the shape of its result.

use tract_onnx::pb::NodeProto;

use super::{
    onnx::{Attributes, Constant, Elements, Refusal, element_count, show},
    operators::{Binary, ConvShape, Op, Unary, ValueId},
};

/// A value that a node reads.
#[derive(Debug, Clone, Copy)]
pub(super) struct Operand<'a> {
    pub(super) id: ValueId,
    pub(super) shape: &'a [usize],
    /// Contents, if the value is an initializer.
    pub(super) constant: Option<&'a Constant>,
}

/// Reads one node: what it does and the shape of its result. `operands` has an
/// entry per input; `None` for an optional input that is left out.
pub(super) fn read(
    node: &NodeProto,
    operands: &[Option<Operand>],
) -> Result<(Op, Vec<usize>), Refusal> {
    let mut attributes = Attributes::of(node);
    let reader = Reader { operands };
    let read = match node.op_type.as_str() {
        "Gemm" => reader.gemm(&mut attributes),
        "MatMul" => reader.mat_mul(),
        "Conv" => reader.conv(&mut attributes),
        "Concat" => reader.concat(&mut attributes),
        "Slice" => reader.slice(),
        "Reshape" => reader.reshape(&mut attributes),
        "Flatten" => reader.flatten(&mut attributes),
        "Identity" => reader
            .only()
            .map(|x| (Op::View { input: x.id }, x.shape.to_vec())),
        "Add" => reader.binary(Binary::Add),
        "Sub" => reader.binary(Binary::Sub),
        "Mul" => reader.binary(Binary::Mul),
        "Relu" => reader.unary(Unary::Relu),
        "Sigmoid" => reader.unary(Unary::Sigmoid),
        "Tanh" => reader.unary(Unary::Tanh),
        "Softmax" => reader.softmax(&mut attributes),
        other => Err(Refusal::new(
            "operator",
            "Gemm, MatMul, Conv, Concat, Slice, Reshape, Flatten, Identity, Add, Sub, Mul, Relu, \
             Sigmoid, Tanh or Softmax",
            other,
        )),
    }?;
    attributes.finish()?;
    Ok(read)
}

/// Resolves an axis that may count from the end.
fn axis(value: i64, rank: usize) -> Result<usize, Refusal> {
    let rank_i64 = rank as i64;
    if (-rank_i64..rank_i64).contains(&value) {
        Ok(value.rem_euclid(rank_i64) as usize)
    } else {
        Err(Refusal::new(
            "axis",
            format!("{} to {}", -rank_i64, rank_i64 - 1),
            value,
        ))
    }
}

/// Shape of `left ∘ right` if the shorter one, without leading ones, is a
/// suffix of the longer one.
fn broadcast<'a>(left: &'a [usize], right: &'a [usize]) -> Option<&'a [usize]> {
    let significant = |shape: &'a [usize]| {
        let ones = shape.iter().take_while(|&&dim| dim == 1).count();
        &shape[ones..]
    };
    let (full, part) = if significant(left).len() >= significant(right).len() {
        (left, right)
    } else {
        (right, left)
    };
    let same_but_for_ones = significant(full) == significant(part);
    if same_but_for_ones {
        return Some(if left.len() >= right.len() {
            left
        } else {
            right
        });
    }
    let fits = part.len() <= full.len() && significant(full).ends_with(significant(part));
    fits.then_some(full)
}

struct Reader<'a> {
    operands: &'a [Option<Operand<'a>>],
}

impl<'a> Reader<'a> {
    fn count(&self, counts: std::ops::RangeInclusive<usize>) -> Result<(), Refusal> {
        if counts.contains(&self.operands.len()) {
            return Ok(());
        }
        let expected = if counts.start() == counts.end() {
            counts.start().to_string()
        } else {
            format!("{} to {}", counts.start(), counts.end())
        };
        Err(Refusal::new(
            "number of inputs",
            expected,
            self.operands.len(),
        ))
    }

    fn optional(&self, index: usize) -> Option<Operand<'a>> {
        self.operands.get(index).copied().flatten()
    }

    fn required(&self, index: usize) -> Result<Operand<'a>, Refusal> {
        self.optional(index)
            .ok_or_else(|| Refusal::new(format!("input {index}"), "a value", "none"))
    }

    fn only(&self) -> Result<Operand<'a>, Refusal> {
        self.count(1..=1)?;
        self.required(0)
    }

    /// An input that must be an initializer of floats.
    fn weights(&self, index: usize) -> Result<Operand<'a>, Refusal> {
        let operand = self.required(index)?;
        match operand.constant {
            Some(Constant {
                elements: Elements::Floats(_),
                ..
            }) => Ok(operand),
            Some(_) => Err(Refusal::new(format!("input {index}"), "floats", "integers")),
            None => Err(Refusal::new(
                format!("input {index}"),
                "an initializer",
                "a computed value",
            )),
        }
    }

    /// An input that must be an initializer of integers.
    fn integers(&self, index: usize) -> Result<Option<&'a [i64]>, Refusal> {
        match self.optional(index) {
            None => Ok(None),
            Some(Operand {
                constant: Some(constant),
                ..
            }) => match &constant.elements {
                Elements::Integers(integers) => Ok(Some(integers)),
                Elements::Floats(_) => {
                    Err(Refusal::new(format!("input {index}"), "integers", "floats"))
                }
            },
            Some(_) => Err(Refusal::new(
                format!("input {index}"),
                "an initializer",
                "a computed value",
            )),
        }
    }

    /// A bias of `outputs` elements.
    fn bias(&self, index: usize, outputs: usize) -> Result<Option<ValueId>, Refusal> {
        if self.optional(index).is_none() {
            return Ok(None);
        }
        let bias = self.weights(index)?;
        if bias.shape == [outputs] || bias.shape == [1, outputs] {
            Ok(Some(bias.id))
        } else {
            Err(Refusal::new(
                "shape of the bias",
                show(&[outputs]),
                show(bias.shape),
            ))
        }
    }

    fn gemm(&self, attributes: &mut Attributes) -> Result<(Op, Vec<usize>), Refusal> {
        self.count(2..=3)?;
        attributes.must_be_one("alpha")?;
        attributes.must_be_one("beta")?;
        let flag = attributes.int("transA", 0)?;
        if flag != 0 {
            return Err(Refusal::new("transA", 0, flag));
        }
        let transposed = match attributes.int("transB", 0)? {
            0 => false,
            1 => true,
            other => return Err(Refusal::new("transB", "0 or 1", other)),
        };
        let (input, weights) = (self.required(0)?, self.weights(1)?);
        let &[rows, inputs] = input.shape else {
            return Err(Refusal::new(
                "shape of the input",
                "[rows, inputs]",
                show(input.shape),
            ));
        };
        let outputs = match (weights.shape, transposed) {
            (&[k, outputs], false) | (&[outputs, k], true) if k == inputs => outputs,
            _ => {
                let expected = if transposed {
                    format!("[outputs, {inputs}]")
                } else {
                    format!("[{inputs}, outputs]")
                };
                return Err(Refusal::new(
                    "shape of the weights",
                    expected,
                    show(weights.shape),
                ));
            }
        };
        let bias = self.bias(2, outputs)?;
        let op = Op::Dense {
            input: input.id,
            weights: weights.id,
            bias,
            transposed,
            rows,
            inputs,
            outputs,
        };
        Ok((op, vec![rows, outputs]))
    }

    fn mat_mul(&self) -> Result<(Op, Vec<usize>), Refusal> {
        self.count(2..=2)?;
        let (input, weights) = (self.required(0)?, self.weights(1)?);
        let Some((&inputs, leading)) = input.shape.split_last().filter(|(_, l)| !l.is_empty())
        else {
            return Err(Refusal::new(
                "shape of the input",
                "[rows, inputs]",
                show(input.shape),
            ));
        };
        let outputs = match *weights.shape {
            [k, outputs] if k == inputs => outputs,
            _ => {
                let expected = format!("[{inputs}, outputs]");
                return Err(Refusal::new(
                    "shape of the weights",
                    expected,
                    show(weights.shape),
                ));
            }
        };
        let op = Op::Dense {
            input: input.id,
            weights: weights.id,
            bias: None,
            transposed: false,
            rows: leading.iter().product(),
            inputs,
            outputs,
        };
        Ok((op, [leading, &[outputs]].concat()))
    }

    fn conv(&self, attributes: &mut Attributes) -> Result<(Op, Vec<usize>), Refusal> {
        self.count(2..=3)?;
        let (input, weights) = (self.required(0)?, self.weights(1)?);
        let &[1, channels, frames, bands] = input.shape else {
            let expected = "[1, channels, frames, bands]";
            return Err(Refusal::new(
                "shape of the input",
                expected,
                show(input.shape),
            ));
        };
        let &[out_channels, kernel_channels, kernel_frames, kernel_bands] = weights.shape else {
            let expected = "[out, channels, frames, bands]";
            return Err(Refusal::new(
                "shape of the weights",
                expected,
                show(weights.shape),
            ));
        };
        attributes.must_be_text("auto_pad", "NOTSET")?;
        let group = attributes.int("group", 1)?;
        if group != 1 {
            return Err(Refusal::new("group", 1, group));
        }
        let list = |name: &str, found: Option<&[i64]>, expected: &str, fits: fn(&[i64]) -> bool| {
            match found {
                Some(found) if !fits(found) => {
                    Err(Refusal::new(name, expected, format!("{found:?}")))
                }
                found => Ok(found.map(<[i64]>::to_vec)),
            }
        };
        list("dilations", attributes.ints("dilations")?, "[1, 1]", |d| {
            d == [1, 1]
        })?;
        let kernel = attributes.ints("kernel_shape")?;
        if kernel.is_some_and(|kernel| kernel != [kernel_frames as i64, kernel_bands as i64]) {
            let expected = show(&[kernel_frames, kernel_bands]);
            return Err(Refusal::new(
                "kernel_shape",
                expected,
                format!("{kernel:?}"),
            ));
        }
        let strides = list(
            "strides",
            attributes.ints("strides")?,
            "[1, 1 to 64]",
            |s| matches!(s, [1, 1..=64]),
        )?;
        let pads = list(
            "pads",
            attributes.ints("pads")?,
            "[0, before, 0, after]",
            |p| matches!(p, [0, 0..=1024, 0, 0..=1024]),
        )?;
        let stride = strides.map_or(1, |s| s[1] as usize);
        let (pad_before, pad_after) = pads.map_or((0, 0), |p| (p[1] as usize, p[3] as usize));
        let shape = ConvShape {
            channels,
            frames,
            bands,
            kernel_frames,
            kernel_bands,
            stride,
            pad_before,
            pad_after,
            out_channels,
        };
        let fits = kernel_channels == channels
            && kernel_frames <= frames
            && kernel_bands <= shape.padded_bands();
        if !fits {
            let expected = format!(
                "[out, {channels}, up to {frames}, up to {}]",
                shape.padded_bands()
            );
            return Err(Refusal::new(
                "shape of the weights",
                expected,
                show(weights.shape),
            ));
        }
        let bias = self.bias(2, out_channels)?;
        let op = Op::Conv {
            input: input.id,
            weights: weights.id,
            bias,
            shape,
        };
        Ok((
            op,
            vec![1, out_channels, shape.out_frames(), shape.out_bands()],
        ))
    }

    fn concat(&self, attributes: &mut Attributes) -> Result<(Op, Vec<usize>), Refusal> {
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

    fn slice(&self) -> Result<(Op, Vec<usize>), Refusal> {
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

    fn reshape(&self, attributes: &mut Attributes) -> Result<(Op, Vec<usize>), Refusal> {
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

    fn flatten(&self, attributes: &mut Attributes) -> Result<(Op, Vec<usize>), Refusal> {
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

    fn unary(&self, function: Unary) -> Result<(Op, Vec<usize>), Refusal> {
        let input = self.only()?;
        let op = Op::Unary {
            function,
            input: input.id,
        };
        Ok((op, input.shape.to_vec()))
    }

    fn binary(&self, function: Binary) -> Result<(Op, Vec<usize>), Refusal> {
        self.count(2..=2)?;
        let (left, right) = (self.required(0)?, self.required(1)?);
        let shape = broadcast(left.shape, right.shape).ok_or_else(|| {
            Refusal::new(
                "shapes",
                "equal shapes, or one that is the end of the other",
                format!("{} and {}", show(left.shape), show(right.shape)),
            )
        })?;
        let op = Op::Binary {
            function,
            left: left.id,
            right: right.id,
        };
        Ok((op, shape.to_vec()))
    }

    fn softmax(&self, attributes: &mut Attributes) -> Result<(Op, Vec<usize>), Refusal> {
        let input = self.only()?;
        let axis = axis(attributes.int("axis", -1)?, input.shape.len())?;
        let op = Op::Softmax {
            input: input.id,
            axis,
        };
        Ok((op, input.shape.to_vec()))
    }
}
