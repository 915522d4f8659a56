package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gointr/gointr/pkg/torchfile"
)

// Every flag that the table marks "as published" does something, in every command: the folder that a call leaves is
// another one in the way that is said.
func TestPublishedEffects(t *testing.T) {
	publishedStart(t)
	if err := os.CopyFS("datasets/mirrored/test", os.DirFS("datasets/mirrored/train")); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS("elsewhere/other", os.DirFS("datasets/mirrored")); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll("elsewhere/other/val/4/1.png"); err != nil {
		t.Fatal(err)
	}
	few := weights(t, "detr.pth") // of three queries, so that the others are copies with noise
	values, err := few["query_embed.weight"].Float32s(nil)
	if err != nil {
		t.Fatal(err)
	}
	const queries = "query_embed.weight"
	if few[queries], err = torchfile.NewTensor(queries, []int{3, 64}, values[:3*64]); err != nil {
		t.Fatal(err)
	}
	write(t, "few.pth", few)
	calls := map[string]map[string]string{
		"finetune": {"--finetune": "detr.pth", "--dataset_path": "datasets", "--dataset_name": "mirrored",
			"--lr":          "1e-3",
			"--lr_backbone": "1e-4", "--batch_size": "5", "--epochs": "3", "--dropout": "0", "--noise_frac": "0"},
		"eval": {"--resume": "OUT/start/checkpoint.pth", "--dataset_path": "datasets",
			"--dataset_name": "mirrored"},
		"interpret": {"--resume": "OUT/start/checkpoint.pth", "--dataset_path": "datasets",
			"--dataset_name": "mirrored", "--top_q": "2"},
	}
	// made calls a command with its flags and others, and tells what it left.
	made := func(t *testing.T, command, folder string, more ...string) (log []logLine, files []string) {
		t.Helper()
		flags := maps.Clone(calls[command])
		at := "mirrored/output_sub"
		if command == "interpret" {
			at = ""
		}
		args := []string{command, "--backend", "go", "--output_dir", folder}
		if command != "finetune" {
			args = append(args, "--eval")
		} else {
			args = append(args, "--augment", "flip")
		}
		for i := 0; i < len(more); i += 2 {
			switch flag, value := more[i], more[i+1]; flag {
			case "--output_dir":
				folder, args[4] = value, value
			case "--output_sub_dir":
				at = "mirrored/" + value
				flags[flag] = value
			case "--dataset_name":
				if command != "interpret" {
					at = value + "/output_sub"
				}
				flags[flag] = value
			default:
				flags[flag] = value
			}
		}
		for flag, value := range flags {
			args = append(args, flag, strings.ReplaceAll(value, "OUT", "out"))
		}
		if code, _, stderr := gointr(args...); code != 0 {
			t.Fatalf("%v: %d %s", args, code, stderr)
		}
		dir := filepath.Join(folder, at)
		if command != "interpret" {
			log = logs(t, filepath.Join(dir, "log.txt"))
		}
		_ = filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
			if err == nil && !entry.IsDir() {
				name, _ := filepath.Rel(dir, path)
				if name == "interpret.csv" { // with what it says
					text, _ := os.ReadFile(path)
					name += " " + string(text)
				}
				files = append(files, filepath.ToSlash(name))
			}
			return err
		})
		return log, files
	}
	if err := os.Mkdir("out", 0o777); err != nil {
		t.Fatal(err)
	}
	done(t, "finetune --from detr.pth --dataset datasets/mirrored --batch-size 5 --epochs 2 --lr 1e-3 --backend go "+
		"--augment flip --out out/start")
	done(t, "finetune --from detr.pth --dataset datasets/mirrored --batch-size 5 --epochs 1 --lr 1e-3 --backend go "+
		"--augment flip --seed 5 --out out/other")
	last := func(key string) func(was, is []logLine) bool {
		return func(was, is []logLine) bool { return was[len(was)-1][key] != is[len(is)-1][key] }
	}
	lines := func(was, is []logLine) bool { return len(was) != len(is) }
	begins := func(at float64) func(was, is []logLine) bool { // of three epochs in all
		return func(_, is []logLine) bool { return is[0]["epoch"] == at && len(is) == 3-int(at) }
	}
	has := func(name string) func(was, is []string) bool {
		return func(was, is []string) bool { return !slices.Contains(was, name) && slices.Contains(is, name) }
	}
	another := func(was, is []string) bool { return len(is) > 0 && !slices.Equal(was, is) }
	anything := func(_, is []string) bool { return len(is) > 0 }
	type effect struct {
		with  string // flags beside it, in both calls
		value string
		log   func(was, is []logLine) bool
		files func(was, is []string) bool
	}
	effects := map[string]map[string]effect{
		"finetune": {
			"lr": {value: "1e-2", log: last("train_lr")}, "lr_backbone": {value: "1e-2", log: last("train_loss")},
			"weight_decay":   {value: "50", log: last("train_loss")},
			"batch_size":     {value: "10", log: last("train_loss")},
			"min_lr":         {with: "--lr_scheduler CosineAnnealingLR", value: "9e-4", log: last("train_lr")},
			"epochs":         {value: "2", log: lines},
			"lr_drop":        {value: "1", log: last("train_lr"), files: has("checkpoint0000.pth")},
			"lr_scheduler":   {value: "CosineAnnealingLR", log: last("train_lr")},
			"clip_max_norm":  {value: "1e-6", log: last("train_loss")},
			"dropout":        {value: "0.5", log: last("train_loss")},
			"num_queries":    {value: "5", files: anything}, // another number is refused
			"dataset_name":   {with: "--dataset_path elsewhere --dataset_name other", value: "other", files: anything},
			"dataset_path":   {with: "--dataset_name other", value: "elsewhere", files: anything},
			"output_dir":     {value: "out/here", files: anything},
			"output_sub_dir": {value: "mine", files: anything},
			"noise_frac":     {with: "--finetune few.pth", value: "1", log: last("train_loss")},
			"test":           {value: "test", log: last("test_loss")},
			"resume":         {value: "out/start/checkpoint.pth", log: begins(2)},
			"finetune":       {value: "out/other/best.pth", log: last("train_loss")},
			"seed":           {value: "7", log: last("train_loss")},
			"start_epoch":    {value: "1", log: begins(1)},
			"num_workers":    {value: "1", log: func(was, is []logLine) bool { return !last("train_loss")(was, is) }},
		},
		"eval": {
			"batch_size": {value: "3", log: last("loss")}, "resume": {value: "out/other/best.pth", log: last("loss")},
			"dataset_name": {with: "--dataset_path elsewhere --dataset_name other", value: "other", files: anything},
			"dataset_path": {with: "--dataset_name other", value: "elsewhere", files: anything},
			"output_dir":   {value: "out/there", files: anything}, "output_sub_dir": {value: "mine", files: anything},
			"test": {value: "test", log: last("loss")},
		},
		"interpret": {
			"class_index": {value: "2", files: another}, "top_q": {value: "1", files: another},
			"batch_size": {value: "1", files: anything}, // another number is refused
			"dataset_name": {with: "--dataset_path elsewhere --dataset_name other --class_index 4", value: "other",
				files: anything},
			"dataset_path": {with: "--dataset_name other", value: "elsewhere", files: anything},
			"output_dir":   {value: "out/look", files: anything}, "test": {value: "test", files: another},
			"resume": {value: "out/other/best.pth", files: another}, "dec_layer_index": {value: "0", files: another},
			"gt_query_heads":  {value: "0", files: func(was, is []string) bool { return len(is) < len(was) }},
			"sim_query_heads": {value: "0", files: func(was, is []string) bool { return len(is) < len(was) }},
		},
	}
	for _, command := range []string{"finetune", "eval", "interpret"} {
		wasLog, wasFiles := made(t, command, filepath.Join("out", "base-"+command))
		for _, p := range published {
			if p.in(command) != does || p.name == "eval" { // which chooses the command
				continue
			}
			e, ok := effects[command][p.name]
			t.Run(command+" --"+p.name, func(t *testing.T) {
				if !ok {
					t.Fatal("its effect is not tested")
				}
				with, wasLog, wasFiles := strings.Fields(e.with), wasLog, wasFiles
				if p.name == "resume" && command == "finetune" {
					for _, flag := range []string{"--finetune", "--noise_frac"} {
						value := calls[command][flag]
						delete(calls[command], flag)
						defer func() { calls[command][flag] = value }()
					}
				}
				out := filepath.Join("out", fmt.Sprintf("%s-%s", command, p.name))
				if e.with != "" && e.log != nil {
					wasLog, wasFiles = made(t, command, out+"-was", with...)
				}
				log, files := made(t, command, out, append(with, "--"+p.name, e.value)...)
				if e.log != nil && !e.log(wasLog, log) {
					t.Errorf("log.txt has %v, without it %v", log, wasLog)
				}
				if e.files != nil && !e.files(wasFiles, files) {
					t.Errorf("there are %v, without it %v", files, wasFiles)
				}
			})
		}
	}
}
