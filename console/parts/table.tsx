/** Tables: a plain one for what fits on a page, and one for lists without an end, of which only what is seen is drawn. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Link } from "wouter-preact";
import { Virtualizer, elementScroll, observeElementOffset, observeElementRect } from "@tanstack/virtual-core";

export interface Column<T> {
  readonly title: string;
  readonly cell: (row: T) => ComponentChildren;
  /** Of figures, which stand on the right. */
  readonly numeric?: boolean;
  /** In a grid's words, such as `2fr` or `8rem`; only for long tables. */
  readonly width?: string;
  /** Left out where there is little room. */
  readonly wide?: boolean;
}

export function Table<T>({
  label,
  columns,
  rows,
  name,
}: {
  readonly label: string;
  readonly columns: readonly Column<T>[];
  readonly rows: readonly T[];
  /** What tells rows apart. */
  readonly name: (row: T) => string;
}) {
  const look = ({ numeric, wide }: Column<T>) => `${numeric ? "numeric " : ""}${wide ? "wide" : ""}`;
  return (
    <div class="table-scroll" role="region" aria-label={label} tabIndex={0}>
      <table>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column.title} scope="col" class={look(column)}>
                {column.title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={name(row)}>
              {columns.map((column) => (
                <td key={column.title} class={look(column)}>
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const ROW_PX = 44;
const DRAWN_BESIDE = 8;

/** A long table, each row of which leads somewhere. Asks for `more` when its end comes near. */
export function LongTable<T>({
  label,
  columns,
  rows,
  name,
  open,
  labelOf,
  more,
}: {
  readonly label: string;
  readonly columns: readonly Column<T>[];
  readonly rows: readonly T[];
  readonly name: (row: T) => string;
  /** The page of a row. */
  readonly open: (row: T) => string;
  /** How the link to it reads, to tell it from others. */
  readonly labelOf: (row: T) => string;
  readonly more: (() => void) | null;
}) {
  const scroller = useRef<HTMLDivElement>(null);
  const [, draw] = useState(0);
  const [virtual] = useState(
    () =>
      new Virtualizer<HTMLDivElement, HTMLElement>({
        count: 0,
        getScrollElement: () => scroller.current,
        estimateSize: () => ROW_PX,
        scrollToFn: elementScroll,
        observeElementRect,
        observeElementOffset,
      }),
  );
  virtual.setOptions({
    ...virtual.options,
    count: rows.length,
    overscan: DRAWN_BESIDE,
    getItemKey: (index) => (rows[index] ? name(rows[index]) : index),
    onChange: () => draw((was) => was + 1),
  });
  useEffect(() => virtual._didMount(), [virtual]);
  useEffect(() => virtual._willUpdate());
  const drawn = virtual.getVirtualItems();
  const last = drawn.at(-1)?.index ?? -1;
  useEffect(() => {
    if (more && last >= rows.length - DRAWN_BESIDE) more();
  }, [more, last, rows.length]);
  const template = columns.map(({ width = "1fr" }) => width).join(" ");
  const narrow = columns
    .filter(({ wide }) => !wide)
    .map(({ width = "1fr" }) => width)
    .join(" ");
  const grid = { "--wide": template, "--narrow": narrow };
  const look = ({ numeric, wide }: Column<T>) => `cell ${numeric ? "numeric " : ""}${wide ? "wide" : ""}`;
  return (
    <div class="long-table" role="table" aria-label={label} aria-rowcount={rows.length + 1} style={grid}>
      <div class="long-head" role="row" aria-rowindex={1}>
        {columns.map((column) => (
          <span key={column.title} role="columnheader" class={look(column)}>
            {column.title}
          </span>
        ))}
      </div>
      <div class="long-scroll" ref={scroller} tabIndex={-1} role="rowgroup">
        <div style={{ height: `${virtual.getTotalSize()}px`, position: "relative" }} role="presentation">
          {drawn.map(({ index, key, start }) => {
            const row = rows[index];
            return (
              row && (
                <div key={key} class="long-row" role="row" aria-rowindex={index + 2} style={{ transform: `translateY(${start}px)` }}>
                  {columns.map((column, place) => (
                    <span key={column.title} role="cell" class={look(column)}>
                      {place === 0 ? (
                        <Link class="row-link" href={open(row)} aria-label={labelOf(row)} data-row>
                          {column.cell(row)}
                        </Link>
                      ) : (
                        column.cell(row)
                      )}
                    </span>
                  ))}
                </div>
              )
            );
          })}
        </div>
      </div>
    </div>
  );
}
