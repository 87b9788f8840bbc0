// The files of a drop or a picker, with their paths below the folder that was chosen.

export interface ChosenFile {
  path: string;
  file: File;
}

/** Returns the files of a picker; those of a folder keep their place in it. */
export function pickedFiles(files: FileList | null): ChosenFile[] {
  return [...(files ?? [])].map((file) => ({ path: file.webkitRelativePath || file.name, file }));
}

/** Returns the files that were dropped, and those of the folders among them, hidden ones left out. */
export async function droppedFiles(transfer: DataTransfer): Promise<ChosenFile[]> {
  // the entries are only there until the first wait
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  if (!entries.length) return pickedFiles(transfer.files);
  return (await Promise.all(entries.map(filesBelow))).flat();
}

async function filesBelow(entry: FileSystemEntry): Promise<ChosenFile[]> {
  if (entry.name.startsWith(".")) return [];
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
    return [{ path: entry.fullPath.replace(/^\//, ""), file }];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: ChosenFile[] = [];
  for (;;) {
    // a folder is read in parts; the last one is empty
    const part = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (!part.length) return found;
    for (const child of part) found.push(...(await filesBelow(child)));
  }
}
