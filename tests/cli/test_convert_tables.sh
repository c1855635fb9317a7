# Real tables, from a folder of data beside the checkout, become what their descriptions say.
set -u
data=$LOCKSTEP_SOURCE/../shared/data
lockstep=$LOCKSTEP_BUILD/lockstep
if [ ! -d "$data" ]; then
  echo "no folder of real tables at $data"
  exit 77
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failed=0

# convert NAME ARGUMENTS...: makes NAME.h5 and NAME.json
convert() {
  local name=$1
  shift
  if ! "$lockstep" convert --quiet "$@" -o "$folder/$name.h5" ||
    ! "$lockstep" inspect --json "$folder/$name.h5" >"$folder/$name.json"; then
    echo "FAILED: convert $*"
    failed=1
  fi
}

# expect NAME DATASET TEXT...: the line of this dataset holds each text
expect() {
  local name=$1 dataset=$2 line text
  shift 2
  line=$(grep -F "{\"name\":\"$dataset\"," "$folder/$name.json")
  for text in "$@"; do
    case $line in
      *"$text"*) ;;
      *)
        echo "FAILED: $name $dataset: wanted $text in:"
        echo "  $line"
        failed=1
        ;;
    esac
  done
}

# expect_mean NAME DATASET LOW HIGH
expect_mean() {
  local mean
  mean=$(grep -F "{\"name\":\"$2\"," "$folder/$1.json" | sed 's/.*"mean":\([^,]*\),.*/\1/')
  if ! awk -v m="$mean" -v low="$3" -v high="$4" 'BEGIN { exit !(m >= low && m <= high) }'; then
    echo "FAILED: $1 $2: mean $mean, wanted $3 to $4"
    failed=1
  fi
}

# absent NAME DATASET
absent() {
  if grep -qF "{\"name\":\"$2\"," "$folder/$1.json"; then
    echo "FAILED: $1: there is a $2"
    failed=1
  fi
}

class() { # class NAME COUNT: as inspect writes it
  echo "{\"name\":\"$1\",\"count\":$2}"
}

convert iris csv "$data/iris/iris.csv"
expect iris /train/x '"shape":[150,4],"type":"float32"'
expect iris /train/y '"shape":[150],"type":"int32"' "$(class Iris-setosa 50)" \
  "$(class Iris-versicolor 50)" "$(class Iris-virginica 50)"

convert wine csv "$data/wine/wine.csv"
expect wine /train/x '"shape":[178,13]'
expect wine /train/y "\"classes\":[$(class 1 59),$(class 2 71),$(class 3 48)]"

convert wdbc csv "$data/wdbc/wdbc.data" --target 2 --drop 1
expect wdbc /train/x '"shape":[569,30]'
expect wdbc /train/y "\"classes\":[$(class B 357),$(class M 212)]"

convert digits csv "$data/uci-digits/optdigits.tra" --test-source "$data/uci-digits/optdigits.tes"
expect digits /train/x '"shape":[3823,64]' '"min":0,"max":16'
expect digits /train/y "$(class 0 376),$(class 1 389),$(class 2 380)" "$(class 9 382)"
expect digits /test/x '"shape":[1797,64]'
expect digits /test/y "$(class 0 178)" "$(class 9 180)"
absent digits /validation/x

convert housing csv "$data/cal-housing/cal_housing.data" --validation 0.1 --test 0.1 --seed 1
expect housing /train/y '"type":"float32"'
expect_mean housing /train/y 204000 210000
expect_mean housing /test/y 196000 218000
rows=$(grep -o '"name":"/[a-z]*/x","shape":\[[0-9]*' "$folder/housing.json" | grep -o '[0-9]*$' |
  awk '{ n += $1 } END { print n }')
[ "$rows" = 20640 ] || { echo "FAILED: housing: the parts have $rows rows together"; failed=1; }

convert airfoil csv "$data/airfoil/airfoil_self_noise.dat" --delimiter tab --header no
expect airfoil /train/x '"shape":[1503,5]'
expect_mean airfoil /train/y 124.8355 124.8365

convert concrete csv "$data/concrete/concrete.csv"
expect concrete /train/x '"shape":[1030,8]' '"columns":["Cement (component 1)(kg in a m^3 mixture)",'
expect concrete /train/y '"columns":"strength"'
expect_mean concrete /train/y 35.8175 35.8185

convert energy csv "$data/energy/energy.csv" --target 'Heating Load,-1'
expect energy /train/x '"shape":[768,8]'
expect energy /train/y '"shape":[768,2],"type":"float32"' '"columns":["Heating Load","Cooling Load"]'

convert ratings csv "$data/movietweetings/ratings.dat" --target 3 --drop 4
expect ratings /train/x '"shape":[100000,2]'
expect ratings /train/y "$(class 0 12)" "$(class 10 12392)"

# What is compressed converts to the same.
gzip -c "$data/iris/iris.csv" >"$folder/iris.csv.gz"
convert packed csv "$folder/iris.csv.gz"
diff <(tail -n +2 "$folder/iris.json") <(tail -n +2 "$folder/packed.json") || failed=1

m=$data/mnist
convert mnist idx "$m/train-images-idx3-ubyte.gz" "$m/train-labels-idx1-ubyte.gz" \
  "$m/t10k-images-idx3-ubyte.gz" "$m/t10k-labels-idx1-ubyte.gz"
expect mnist /train/x '"shape":[60000,28,28],"type":"uint8"' '"scale":255'
expect mnist /test/y "$(class 0 980),$(class 1 1135)" "$(class 9 1009)"
expect_mean mnist /train/x 33.31 33.33 # 0.1307 of 255

# The id column left in, so that the target is the last of the numbers: M and B are an input each.
convert words csv "$data/wdbc/wdbc.data"
expect words /train/x '"shape":[569,32],"type":"float64"' '"1","2=B","2=M","3",'
expect words /train/y '"type":"float32"'
exit $failed
