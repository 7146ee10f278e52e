/** Lists of the operator's resources, page by page. */
import type { ComponentChildren } from "preact";
import { useCallback, useEffect, useState } from "preact/hooks";
import { get, withQuery } from "../api.ts";
import { Empty, Failed, Loading, messageOf } from "./states.tsx";
import { type Column, Table } from "./table.tsx";
import { toast } from "./toast.tsx";
import { useLoad } from "./use.ts";

interface Page<T> {
  readonly data: readonly T[];
  readonly next_after: string | null;
}

type Query = Readonly<Record<string, string | number | null | undefined>>;

/** The rows of a list as far as they were asked for. */
// The rows' type is what the list's schema says.
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters
export function usePages<T>(path: string, query: Query = {}) {
  const asked = withQuery(path, query);
  const { data, error, loading, reload } = useLoad((signal) => get<Page<T>>(asked, { signal }), [asked]);
  const [rest, setRest] = useState<{ readonly of: Page<T> | null; readonly rows: readonly T[]; readonly next: string | null }>({
    of: null,
    rows: [],
    next: null,
  });
  useEffect(() => setRest({ of: data, rows: [], next: data?.next_after ?? null }), [data]);
  const next = rest.of === data ? rest.next : null;
  const more = useCallback(async () => {
    try {
      const page = await get<Page<T>>(withQuery(path, { ...query, after: next }));
      setRest((was) => ({ ...was, rows: [...was.rows, ...page.data], next: page.next_after }));
    } catch (reason) {
      toast(messageOf(reason), { bad: true });
    }
  }, [asked, next]);
  return {
    rows: data && [...data.data, ...(rest.of === data ? rest.rows : [])],
    error,
    loading,
    reload,
    more: next === null ? null : more,
  };
}

/** Such a list as a table, with what to show if there is nothing. */
export function Pages<T>({
  pages,
  label,
  columns,
  name,
  empty,
}: {
  readonly pages: ReturnType<typeof usePages<T>>;
  readonly label: string;
  readonly columns: readonly Column<T>[];
  readonly name: (row: T) => string;
  readonly empty: ComponentChildren;
}) {
  const { rows, error, reload, more } = pages;
  if (error !== null && !rows) return <Failed error={error} retry={reload} />;
  if (!rows) return <Loading />;
  if (rows.length === 0) return <Empty title={`There are no ${label.toLowerCase()}`}>{empty}</Empty>;
  return (
    <>
      <Table label={label} columns={columns} rows={rows} name={name} />
      {more && (
        <div class="row more">
          <button type="button" onClick={() => void more()}>
            More
          </button>
        </div>
      )}
    </>
  );
}

/** All rows of a list that is short enough to choose from. */
export async function allOf<T>(path: string, signal?: AbortSignal): Promise<T[]> {
  const rows: T[] = [];
  for (let after: string | null = "", pages = 0; after !== null && pages < 10; pages++) {
    const page: Page<T> = await get<Page<T>>(withQuery(path, { limit: 100, after }), { signal });
    rows.push(...page.data);
    after = page.next_after;
  }
  return rows;
}
