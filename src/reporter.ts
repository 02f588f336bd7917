/** What a run tells while it works; the command line decides how it looks. */
export interface Reporter {
  /** Something worth knowing that changes nothing. */
  notice(component: string, text: string): void;
  /** A step that was done. */
  step(component: string, text: string): void;
  /** A download that begins; the returned handle follows it. */
  download(name: string): DownloadProgress;
  /** Ends everything that is drawn. */
  close(): void;
}

export interface DownloadProgress {
  update(receivedBytes: number, totalBytes: number | undefined): void;
  end(): void;
}
