/**
 * The one table of what a key-value command can be refused with. Clients of etcd match the texts, so they
 * are etcd's to the letter (its `rpctypes`); those that etcd does not have begin with `quorate:`.
 */
export interface KvError {
  /** gRPC status code. */
  readonly code: number
  readonly message: string
}

const INVALID_ARGUMENT = 3
const NOT_FOUND = 5
const RESOURCE_EXHAUSTED = 8
const FAILED_PRECONDITION = 9
const OUT_OF_RANGE = 11
const UNIMPLEMENTED = 12
const DATA_LOSS = 15

export const KV_ERRORS = {
  emptyKey: { code: INVALID_ARGUMENT, message: 'etcdserver: key is not provided' },
  keyNotFound: { code: INVALID_ARGUMENT, message: 'etcdserver: key not found' },
  valueProvided: { code: INVALID_ARGUMENT, message: 'etcdserver: value is provided' },
  leaseProvided: { code: INVALID_ARGUMENT, message: 'etcdserver: lease is provided' },
  tooManyOps: {
    code: INVALID_ARGUMENT,
    message: 'etcdserver: too many operations in txn request',
  },
  duplicateKey: {
    code: INVALID_ARGUMENT,
    message: 'etcdserver: duplicate key given in txn request',
  },
  invalidSortOption: { code: INVALID_ARGUMENT, message: 'etcdserver: invalid sort option' },
  requestTooLarge: { code: INVALID_ARGUMENT, message: 'etcdserver: request is too large' },
  compacted: {
    code: OUT_OF_RANGE,
    message: 'etcdserver: mvcc: required revision has been compacted',
  },
  futureRevision: {
    code: OUT_OF_RANGE,
    message: 'etcdserver: mvcc: required revision is a future revision',
  },
  leaseNotFound: { code: NOT_FOUND, message: 'etcdserver: requested lease not found' },
  leaseExists: { code: FAILED_PRECONDITION, message: 'etcdserver: lease already exists' },
  leaseTtlTooLarge: { code: OUT_OF_RANGE, message: 'etcdserver: too large lease TTL' },
  tooManyLeases: { code: RESOURCE_EXHAUSTED, message: 'etcdserver: too many requests' },
  noSpace: { code: RESOURCE_EXHAUSTED, message: 'etcdserver: mvcc: database space exceeded' },
  corrupt: { code: DATA_LOSS, message: 'etcdserver: corrupt cluster' },
  answerTooLarge: {
    code: RESOURCE_EXHAUSTED,
    message: 'quorate: the answer would be larger than 256 MiB: ask for less at once',
  },
  tooManyAlarms: { code: RESOURCE_EXHAUSTED, message: 'etcdserver: too many requests' },
  /** Servers choose one before they propose. */
  leaseWithoutId: { code: INVALID_ARGUMENT, message: 'quorate: a lease needs an id' },
  /** No such message, or a protobuf group. */
  malformed: { code: INVALID_ARGUMENT, message: 'quorate: malformed command' },
  unknownCommand: { code: UNIMPLEMENTED, message: 'quorate: unknown command' },
  notAQuery: { code: INVALID_ARGUMENT, message: 'quorate: not a query' },
} as const satisfies Record<string, KvError>
