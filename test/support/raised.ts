/** What a promise is rejected with; null if it is not. */
export const raised = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => null,
    (error: unknown) => error,
  );
