//! From an ONNX node to an operator of the engine and the shape of its result.

mod layers;
mod shapes;

use tract_onnx::pb::NodeProto;

use super::{
    onnx::{Attributes, Constant, Elements, Refusal, show},
    operators::{Binary, Op, Unary, ValueId},
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
