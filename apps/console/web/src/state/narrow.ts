import { signal } from '@preact/signals'

const query = window.matchMedia('(max-width: 760px)')

/** Whether the window is as narrow as the style sheets' own condition says: then a span's bar stands below its name. */
export const isNarrow = signal(query.matches)

query.addEventListener('change', () => (isNarrow.value = query.matches))
