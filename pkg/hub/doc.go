// Package hub finds a checkpoint by its path or by its name, and downloads a published one once.
//
// Files of Hugging Face go into the ordinary hub cache, laid out as Python's huggingface_hub does (models--OWNER--REPO
// with blobs, refs and snapshots, and its lock files), DETR's file into the cache of torch.hub: what Python has is used
// here, and the other way round. These variables are heeded as Python does: HF_HOME, HF_HUB_CACHE, HF_ENDPOINT,
// HF_TOKEN, HF_TOKEN_PATH, HF_HUB_OFFLINE and TORCH_HOME; and HTTPS_PROXY.
//
// The download of go-huggingface is not used: in v0.4.1 it starts from the beginning after a cut, compares nothing with
// the digest, names LFS blobs by the mirror's ETag (which Python does not find again) and needs the network even for a
// file in the cache. What is here instead is one HEAD request, as Python makes it, and a download that resumes and
// verifies.
package hub
