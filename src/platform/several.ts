/** Does work for each of several things, no more than so many at once. Throws the first failure; who is at work goes on. */
export async function several<T>(all: readonly T[], atOnce: number, work: (one: T, index: number) => Promise<void>): Promise<void> {
  const left = all.entries();
  const some = async () => {
    for (const [index, one] of left) await work(one, index);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, all.length) }, some));
}
