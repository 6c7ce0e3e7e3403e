/** Of etcdctl's `-w`; apart, since it is loaded before a command is known. */
export const WRITE_OUTS = ['simple', 'json', 'fields', 'table'] as const
export type WriteOut = (typeof WRITE_OUTS)[number]
