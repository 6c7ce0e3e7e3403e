/**
 * What this node's store did since the process started: for metrics only. It is in no hash, answer or snapshot, and a
 * store that a snapshot replaces leaves it behind.
 */
export class Counts {
  puts = 0
  /** Bytes of keys and values that were put. */
  putBytes = 0
  ranges = 0
  deletes = 0
  /** Transactions of more than one operation, as etcd counts them. */
  txns = 0
  leasesGranted = 0
  leasesRenewed = 0
  leasesRevoked = 0
  leasesExpired = 0
  /** Events whose garbage was looked for, behind compactions. */
  collected = 0
}
