"""Threads that read and write files: a slow disk delays neither the event loop nor views."""

from concurrent.futures import ThreadPoolExecutor

FILE_THREADS = 4

file_threads = ThreadPoolExecutor(FILE_THREADS, thread_name_prefix="files")
