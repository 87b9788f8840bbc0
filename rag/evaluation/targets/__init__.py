"""What can be measured: this pipeline, a running service, a llama-index retriever."""
