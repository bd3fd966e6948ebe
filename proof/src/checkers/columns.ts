/** Rows of small numbers that grow as they are written: what is remembered of a message, or of a copy of it. */
import { grown } from './key-table.ts';

const firstRows = 256;

/** Counts stop here. */
const mostCounted = 0xffff;

/** Each row: `width` numbers of 16 bits, and `marks` lines of the journal (0: none). */
export class Columns {
  readonly #width: number;
  readonly #marks: number;
  #rows = firstRows;
  #cells: Uint16Array;
  #seqs: Uint32Array;

  constructor(width: number, marks: number) {
    this.#width = width;
    this.#marks = marks;
    this.#cells = new Uint16Array(firstRows * width);
    this.#seqs = new Uint32Array(firstRows * marks);
  }

  get(row: number, column: number): number {
    return row < this.#rows ? this.#cells[row * this.#width + column]! : 0;
  }

  set(row: number, column: number, value: number): void {
    this.#reach(row);
    this.#cells[row * this.#width + column] = value;
  }

  count(row: number, column: number): void {
    const value = this.get(row, column);
    if (value < mostCounted) this.set(row, column, value + 1);
  }

  seq(row: number, mark = 0): number {
    return row < this.#rows ? this.#seqs[row * this.#marks + mark]! : 0;
  }

  mark(row: number, seq: number, mark = 0): void {
    this.#reach(row);
    this.#seqs[row * this.#marks + mark] = seq;
  }

  #reach(row: number): void {
    if (row < this.#rows) return;
    this.#rows = Math.max(row + 1, Math.ceil(this.#rows * 1.5));
    this.#cells = grown(this.#cells, this.#rows * this.#width);
    this.#seqs = grown(this.#seqs, this.#rows * this.#marks);
  }
}

/** Names by number, in the order in which they are first seen; at most 65,535. */
export class Names {
  readonly list: string[] = [];
  readonly #numbers = new Map<string, number>();

  /** @throws RangeError when there are too many to number */
  enter(name: string): number {
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    if (this.list.length >= mostCounted) throw new RangeError(`more than ${mostCounted} names`);
    this.#numbers.set(name, this.list.length);
    return this.list.push(name) - 1;
  }
}
