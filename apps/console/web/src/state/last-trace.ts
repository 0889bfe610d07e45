import { signal } from '@preact/signals'

/** The trace that was looked at last: where the arrow keys begin in the list. */
export const lastTraceId = signal<string | undefined>(undefined)
