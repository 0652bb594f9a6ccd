//! The kernel of a matrix product, written for its operands.
//!
//! A workgroup of 16 × 16 invocations makes a tile of the product, 128 rows by 64
//! or 128 columns, from slices of both operands in shared memory; each invocation
//! keeps 8 rows by 4 or 8 columns of it in registers (as in Volkov & Demmel,
//! "Benchmarking GPUs to Tune Dense Linear Algebra", 2008). Loops over registers
//! are written out: a driver that left them rolled would put them into memory.

use std::fmt::Write as _;

/// Rows of a tile.
pub const TILE_ROWS: usize = 128;
/// Inner places per slice.
const DEPTH: usize = 16;

/// Distance, in groups of four, of the inner places of a slice of `outer` values: one
/// more than needed, so that neighbours lie in different banks of the memory.
const fn stride(outer: usize) -> usize {
    outer / 4 + 1
}

/// How the operands of a product lie, row-major.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Form {
    /// The left operand is given transposed.
    pub left_transposed: bool,
    /// The right operand is given transposed.
    pub right_transposed: bool,
    /// Tiles of 128 columns instead of 64.
    pub wide: bool,
}

impl Form {
    /// Columns of a tile.
    pub const fn tile_columns(self) -> usize {
        if self.wide { 128 } else { 64 }
    }

    /// A name for lists.
    pub const fn name(self) -> &'static str {
        match (self.left_transposed, self.right_transposed, self.wide) {
            (false, false, false) => "product",
            (false, false, true) => "product, wide",
            (false, true, false) => "product, right transposed",
            (false, true, true) => "product, right transposed, wide",
            (true, _, false) => "product, left transposed",
            (true, _, true) => "product, left transposed, wide",
        }
    }

    /// The kernel's text. Sizes come as `p`: rows, columns, inner places, distances of
    /// rows in left, right and out, first places of left, right, out and bias, flags
    /// (1: add the bias, 2: rectify, 4: add to what is there), inner places per split
    /// and the distance of splits in out. Allocates.
    pub fn kernel(self) -> String {
        let columns = self.tile_columns();
        let groups = columns / 64;
        let mut text = format!(
            "@group(0) @binding(0) var<storage, read> p: array<u32>;
@group(0) @binding(1) var<storage, read> left: array<f32>;
@group(0) @binding(2) var<storage, read> right: array<f32>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(5) var<storage, read_write> out0: array<f32>;
var<workgroup> rows: array<vec4<f32>, {row_vectors}>;
var<workgroup> columns: array<vec4<f32>, {column_vectors}>;

fn store(row: u32, column: u32, split: u32, value: vec4<f32>) {{
    if row >= p[0] {{
        return;
    }}
    for (var lane = 0u; lane < 4u; lane++) {{
        if column + lane < p[1] {{
            let place = p[8] + split * p[12] + row * p[5] + column + lane;
            var sum = value[lane];
            if (p[10] & 1u) != 0u {{
                sum += bias[p[9] + column + lane];
            }}
            if (p[10] & 4u) != 0u {{
                sum += out0[place];
            }}
            if (p[10] & 2u) != 0u {{
                sum = max(sum, 0.0);
            }}
            out0[place] = sum;
        }}
    }}
}}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) index: u32) {{
    let first_column = group.x * {columns}u;
    let first_row = group.y * {TILE_ROWS}u;
    let across = index % 16u;
    let down = index / 16u;
    let first_inner = group.z * p[11];
    let last_inner = min(first_inner + p[11], p[2]);
",
            row_vectors = DEPTH * stride(TILE_ROWS),
            column_vectors = DEPTH * stride(columns),
        );
        for row in 0..8 {
            for part in 0..groups {
                let _ = writeln!(text, "    var s{row}_{part} = vec4<f32>();");
            }
        }
        let _ = writeln!(
            text,
            "    for (var inner = first_inner; inner < last_inner; inner += {DEPTH}u) {{"
        );
        self.load(&mut text, "left", "rows", TILE_ROWS, self.left_transposed);
        self.load(
            &mut text,
            "right",
            "columns",
            columns,
            !self.right_transposed,
        );
        let _ = writeln!(
            text,
            "        workgroupBarrier();
        for (var k = 0u; k < {DEPTH}u; k++) {{
            let a0 = rows[k * {row_stride}u + down];
            let a1 = rows[k * {row_stride}u + 16u + down];",
            row_stride = stride(TILE_ROWS)
        );
        for part in 0..groups {
            let _ = writeln!(
                text,
                "            let b{part} = columns[k * {}u + {}u + across];",
                stride(columns),
                16 * part
            );
        }
        for row in 0..8 {
            for part in 0..groups {
                let lane = ["x", "y", "z", "w"][row % 4];
                let _ = writeln!(
                    text,
                    "            s{row}_{part} = fma(vec4(a{}.{lane}), b{part}, s{row}_{part});",
                    row / 4
                );
            }
        }
        text.push_str("        }\n        workgroupBarrier();\n    }\n");
        for row in 0..8 {
            for part in 0..groups {
                let _ = writeln!(
                    text,
                    "    store(first_row + {}u + 4u * down, first_column + {}u + 4u * across, group.z, s{row}_{part});",
                    64 * (row / 4) + row % 4,
                    64 * part
                );
            }
        }
        text.push_str("}\n");
        text
    }

    /// Text that brings a slice of `operand` into `shared`, `[inner][outer]`.
    /// `outer_runs`: neighbours along the outer axis are neighbours in memory.
    fn load(self, text: &mut String, operand: &str, shared: &str, outer: usize, outer_runs: bool) {
        let (distance, first, limit, start) = if operand == "left" {
            (3, 6, 0, "first_row")
        } else {
            (4, 7, 1, "first_column")
        };
        let (place_outer, place_inner, address) = if outer_runs {
            (
                format!("cell % {outer}u"),
                format!("cell / {outer}u"),
                format!("p[{first}] + (inner + i) * p[{distance}] + {start} + o"),
            )
        } else {
            (
                format!("cell / {DEPTH}u"),
                format!("cell % {DEPTH}u"),
                format!("p[{first}] + ({start} + o) * p[{distance}] + inner + i"),
            )
        };
        let _ = writeln!(
            text,
            "        for (var turn = 0u; turn < {turns}u; turn++) {{
            let cell = turn * 256u + index;
            let o = {place_outer};
            let i = {place_inner};
            var value = 0.0;
            if {start} + o < p[{limit}] && inner + i < last_inner {{
                value = {operand}[{address}];
            }}
            {shared}[i * {vectors}u + o / 4u][o % 4u] = value;
        }}",
            turns = outer * DEPTH / 256,
            vectors = stride(outer),
        );
    }
}
