import { defineMapping } from '@seaworthy/strangler/cut-over'

/** Notes: a table of the monolith, and one of the new service. */
export const notesMapping = defineMapping({
  name: 'notes',
  old: { notes: { key: 'id', primaryKey: ['id'], columns: ['id', 'value'] } },
  new: { note: { key: 'note_id', primaryKey: ['note_id'], columns: ['note_id', 'number'] } },
  toNew: ({ notes }) => ({ note: notes.map(({ id, value }) => ({ note_id: id, number: value })) }),
  toOld: ({ note }) => ({ notes: note.map(({ note_id, number }) => ({ id: note_id, value: number })) }),
})
