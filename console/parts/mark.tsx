/** The mark of Claimcheck: a ticket with a tick. */
export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 20 20" aria-hidden="true">
      <path d="M3 2h14a2 2 0 0 1 2 2v4a2 2 0 0 0 0 4v4a2 2 0 0 1-2 2H3a2 2 0 0 1-2-2v-4a2 2 0 0 0 0-4V4a2 2 0 0 1 2-2z" />
      <path class="mark-check" d="m6.2 10.2 2.7 2.7 5-5.4" />
    </svg>
  );
}
