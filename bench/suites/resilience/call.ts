/** The call that everything is measured around: an async function that does nothing. */
export const call = async (): Promise<number> => 1

/** Keeps what a loop produced, so that no compiler may leave the loop out. */
export const sink: { value: unknown } = { value: undefined }
