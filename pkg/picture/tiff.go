package picture

func decodeTIFF(data []byte) (*Picture, error) { return nil, errTruncated }
